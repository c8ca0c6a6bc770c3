import { doubtEntry, type QueuedSend, readQueuedSend } from '../email/outbox.ts';
import { partition, type RecordsTable, WriteConditionError } from '../platform/records-table.ts';

const pageSize = 200;

const mayHaveGoneOut = ({ entry }: QueuedSend, restoredTo: Date, now: Date): boolean =>
  entry.state === 'waiting' && entry.acceptedAt < restoredTo.getTime() && entry.notBefore <= now.getTime();

/**
 * Puts every Send in doubt that the backup holds as waiting and that was due since: a person decides about it. What is
 * due later only, and what was accepted after the restore, waits on. Can be repeated. Returns how many it found.
 *
 * @param restoredTo the moment that the records table was brought back to
 */
export const doubtSends = async (
  table: RecordsTable,
  organizationId: string,
  restoredTo: Date,
  now: Date,
): Promise<number> => {
  let doubted = 0;
  let after: Readonly<Record<string, unknown>> | undefined;
  do {
    const page = await table.query({
      pk: partition(organizationId, 'outbox'),
      limit: pageSize,
      ...(after === undefined ? {} : { after }),
    });
    for (const queued of page.items.map(readQueuedSend)) {
      if (!mayHaveGoneOut(queued, restoredTo, now)) continue;
      try {
        await table.write([doubtEntry(queued, now)]);
        doubted += 1;
      } catch (error) {
        // Canceled, or taken by a run: no backup speaks of it any more.
        if (!(error instanceof WriteConditionError)) throw error;
      }
    }
    after = page.after;
  } while (after !== undefined);
  return doubted;
};
