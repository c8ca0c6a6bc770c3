import { decodeFeedCursor, type FeedCursor } from '../feed/feed-cursor.ts';
import { readFeedHead, refuseExpired } from '../feed/read-feed.ts';
import { FaultError } from '../platform/fault.ts';
import { recordKey, WriteConditionError } from '../platform/records-table.ts';
import { refuseField } from '../platform/validate.ts';
import { type Consumer, consumerKind, feedStart } from './consumer.ts';
import { type ConsumerContext, requireConsumer } from './manage-consumers.ts';

/** Sequence up to which a cursor has read; 0 for the start. Undefined: of an epoch that is over. */
const sequenceOf = (text: string, head: FeedCursor): number | undefined => {
  const cursor = text === feedStart ? { epoch: head.epoch, sequence: 0 } : decodeFeedCursor(text);
  return cursor?.epoch === head.epoch ? cursor.sequence : undefined;
};

/**
 * Notes that a consumer is done with everything up to the cursor. The same cursor again changes nothing.
 *
 * @throws FaultError notFound, versionMismatch, invalidRequest, cursorExpired (given out before the feed was begun anew), consumerAhead,
 * invalidState (behind what is committed, without `force`)
 */
export const commitCursor = async (
  context: ConsumerContext,
  name: string,
  {
    cursor,
    force,
    ifMatch,
  }: { readonly cursor: string; readonly force: boolean; readonly ifMatch?: number | undefined },
): Promise<Consumer> => {
  const { store, organizationId, now } = context;
  if (cursor !== feedStart && decodeFeedCursor(cursor) === undefined)
    throw refuseField('#/cursor', 'invalidCursor', 'The cursor is not one that the feed gave out');
  for (let attempt = 1; ; attempt += 1) {
    const consumer = await requireConsumer(context, name);
    if (ifMatch !== undefined && ifMatch !== consumer.version) throw new FaultError('versionMismatch');
    const head = await readFeedHead(store.table, organizationId);
    const sequence = sequenceOf(cursor, head);
    if (sequence === undefined) throw await refuseExpired(store.table, organizationId);
    if (sequence > head.sequence)
      throw new FaultError('consumerAhead', { detail: `The feed ends at ${head.sequence}, the cursor at ${sequence}` });
    const committed = sequenceOf(consumer.committedCursor, head) ?? 0;
    if (sequence < committed && !force)
      throw new FaultError('invalidState', {
        detail: `The consumer is at ${committed}, the cursor at ${sequence}`,
        cause: 'Committing this cursor would show the consumer again what it is done with',
        fix: 'Commit a later cursor, or repeat with force: true to go back',
      });
    const at = now().toISOString();
    try {
      await store.table.write([
        {
          update: recordKey(organizationId, consumerKind.kind, name),
          expression: 'SET entity.committedCursor = :cursor, entity.lastSeenAt = :at',
          values: { ':cursor': cursor, ':at': at, ':seen': consumer.committedCursor },
          condition: 'entity.committedCursor = :seen',
        },
      ]);
      return { ...consumer, committedCursor: cursor, lastSeenAt: at };
    } catch (error) {
      if (!(error instanceof WriteConditionError) || attempt === 10) throw error;
    }
  }
};

const seenMilliseconds = 60_000;

/** Notes that a consumer reads, at most once a minute. */
export const noteSeen = async (context: ConsumerContext, consumer: Consumer): Promise<void> => {
  const now = context.now();
  if (consumer.lastSeenAt !== null && now.getTime() - Date.parse(consumer.lastSeenAt) < seenMilliseconds) return;
  try {
    await context.store.table.write([
      {
        update: recordKey(context.organizationId, consumerKind.kind, consumer.id),
        expression: 'SET entity.lastSeenAt = :at',
        values: { ':at': now.toISOString() },
        condition: 'attribute_exists(pk)',
      },
    ]);
  } catch (error) {
    // Removed meanwhile.
    if (!(error instanceof WriteConditionError)) throw error;
  }
};
