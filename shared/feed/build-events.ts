import * as z from 'zod';
import type { PositionedEvent } from './append-events.ts';
import type { UnplacedEvent } from './feed-event.ts';
import { type PresentedSubject, presentSubject } from './present-subject.ts';
import type { ReadChange, StreamChange } from './stream-change.ts';

/** Larger events travel without data: a page must fit an item of 400 KB. */
export const eventBytesLimit = 256 * 1024;

/** A change that could only be told, not shown. */
export interface UnshownChange {
  readonly organizationId: string;
  readonly kind: string;
  readonly changeId: string;
  readonly changeType: string;
  readonly reason: string;
}

const textOf = (entity: unknown, name: string): unknown =>
  typeof entity === 'object' && entity !== null ? (entity as Readonly<Record<string, unknown>>)[name] : undefined;

/** What can be said of a subject that does not fit its schema: enough for a consumer to read it by its id. */
export const subjectWithoutData = (kind: string, entity: unknown): PresentedSubject => {
  const [id, version] = [textOf(entity, 'id'), textOf(entity, 'version')];
  return {
    subject: { type: kind, id: typeof id === 'string' ? id : '' },
    version: typeof version === 'number' && Number.isInteger(version) && version >= 0 ? version : 0,
    data: null,
  };
};

const reasonOf = (error: unknown): string =>
  error instanceof z.ZodError
    ? `It does not fit its schema at ${error.issues.map(({ path }) => path.join('.')).join(', ')}`
    : String(error);

const toEvent = (change: ReadChange, presented: PresentedSubject): UnplacedEvent => ({
  id: change.id,
  type: change.type,
  at: change.at,
  origin: change.origin,
  actor: change.actor,
  subject: presented.subject,
  version: presented.version,
  ...(change.changedFields === undefined ? {} : { changedFields: change.changedFields }),
  data: presented.data,
});

/**
 * The events of one stream record, in the order in which it tells them. What cannot be shown is told without data and
 * reported to `onUnshown`: stopping at it would stop the feed of everyone, and leaving it out would be a hole.
 */
export const buildEvents = (
  record: StreamChange,
  onUnshown: (unshown: UnshownChange) => void,
): readonly PositionedEvent[] =>
  record.changes.map((change, index) => {
    const tellOnly = (subject: PresentedSubject, reason: string): PresentedSubject => {
      const { organizationId, kind } = record;
      onUnshown({ organizationId, kind, changeId: change.id, changeType: change.type, reason });
      return { ...subject, data: null };
    };
    const show = (): PresentedSubject => {
      try {
        return presentSubject(record.kind, change.type, record.entity);
      } catch (error) {
        return tellOnly(subjectWithoutData(record.kind, record.entity), reasonOf(error));
      }
    };
    const presented = show();
    const bytes = Buffer.byteLength(JSON.stringify(presented.data));
    const fitting =
      bytes > eventBytesLimit ? tellOnly(presented, `${bytes} bytes are too large for the feed`) : presented;
    return { position: { sequence: record.sequenceNumber, index }, event: toEvent(change, fitting) };
  });
