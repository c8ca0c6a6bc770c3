import type { Author, Change, ChangeType } from './change.ts';
import { createIdentifier } from './identifier.ts';
import { type RecordWrite, recordKey } from './records-table.ts';

/** A change to be written with the item that it tells of. */
export const createChange = (
  type: ChangeType,
  author: Author,
  now: Date,
  changedFields?: readonly string[],
): Change => ({
  id: createIdentifier('evt', now.getTime()),
  type,
  at: now.toISOString(),
  origin: author.origin,
  actor: author.actor,
  ...(changedFields === undefined ? {} : { changedFields: [...changedFields] }),
});

const keptSeconds = 172_800;

/**
 * The write that tells of a deletion: the item itself is gone, so its last form travels in an item of its own. `subject`
 * and `data` are what the event will show.
 */
export const deletedChangeWrite = (
  organizationId: string,
  change: Change,
  subject: { readonly type: string; readonly id: string; readonly externalId?: string | null | undefined },
  version: number,
  data: Readonly<Record<string, unknown>>,
): RecordWrite => ({
  put: {
    ...recordKey(organizationId, 'change', change.id),
    v: 1,
    kind: 'change',
    organizationId,
    published: 'yes',
    emits: [change],
    expiresAt: Math.floor(Date.parse(change.at) / 1000) + keptSeconds,
    entity: { subject, version, data },
  },
});
