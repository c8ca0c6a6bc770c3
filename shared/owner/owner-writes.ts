import { isDeepStrictEqual } from 'node:util';
import { auditWrite } from '../audit/audit-write.ts';
import type { Author } from '../platform/change.ts';
import type { EntityStore } from '../platform/entity-store.ts';
import type { RecordWrite } from '../platform/records-table.ts';
import { addressEntryWrites } from '../record/address-entry.ts';
import type { OwnerDefinition, OwnerEntity } from './owner-definitions.ts';

/** What the audit log says of an owner that is made (no `previous`), changed, or deleted (no `next`). */
export const ownerAudit = (
  organizationId: string,
  type: 'user' | 'queue' | 'team',
  previous: OwnerEntity | undefined,
  next: OwnerEntity | undefined,
  { author, now }: { readonly author: Author; readonly now: Date },
): RecordWrite => {
  const act = previous === undefined ? 'created' : next === undefined ? 'deleted' : 'changed';
  return auditWrite(organizationId, {
    author,
    now,
    action: `${type}.${act}`,
    subject: { type, id: (next ?? previous)?.id ?? '' },
    before: previous ?? null,
    after: next ?? null,
  });
};

/** What puts `next` in the place of `previous` (undefined: a new owner), with its addresses in the index. */
export const ownerWrites = <Item extends OwnerEntity, Input extends { readonly emailAddress: string | null }>(
  definition: OwnerDefinition<Item, Input>,
  store: EntityStore,
  organizationId: string,
  previous: Item | undefined,
  next: Item,
  now: Date,
): { readonly owner: Item; readonly writes: readonly RecordWrite[] } => {
  if (previous !== undefined && isDeepStrictEqual(previous, next)) return { owner: previous, writes: [] };
  const owner =
    previous === undefined ? next : { ...next, version: previous.version + 1, updatedAt: now.toISOString() };
  return {
    owner,
    writes: [
      ...store.writesOf(definition.kind, organizationId, previous, owner),
      ...addressEntryWrites(
        organizationId,
        previous === undefined ? undefined : definition.holderOf(previous),
        definition.holderOf(owner),
      ),
    ],
  };
};
