import * as z from 'zod';
import {
  deploymentScope,
  type RecordKey,
  type RecordsTable,
  recordKey,
  type StoredItem,
} from '../platform/records-table.ts';

/**
 * One item for the whole deployment: what breaks the order of the feed (a stream that was not read for 24 hours, a
 * table restored from a backup) breaks it for every organization, and one write must tell them all.
 */
export const feedEpochKey: RecordKey = recordKey(deploymentScope, 'feed', 'epoch');

export const storedEpochSchema = z.object({ epoch: z.string().optional(), lastReadAt: z.number().optional() });

/** The epoch that valid cursors carry. */
export const epochOf = (item: StoredItem | undefined): string => storedEpochSchema.parse(item ?? {}).epoch ?? '0';

/**
 * Makes every cursor that was given out so far answer `cursorExpired`, so that consumers walk the snapshot. The epoch
 * is made of the clock and not counted: a table restored from a backup would count the same numbers again.
 */
export const bumpFeedEpoch = async (table: RecordsTable, now: Date): Promise<string> => {
  const epoch = now.getTime().toString(36);
  await table.write([
    { update: feedEpochKey, expression: 'SET epoch = :epoch, v = :v', values: { ':epoch': epoch, ':v': 1 } },
  ]);
  return epoch;
};

/** Notes that the stream was read to its records of just now. */
export const noteStreamRead = async (table: RecordsTable, now: Date): Promise<void> => {
  await table.write([
    { update: feedEpochKey, expression: 'SET lastReadAt = :now, v = :v', values: { ':now': now.getTime(), ':v': 1 } },
  ]);
};

/** When the stream was last read (epoch milliseconds), as far as it was noted. */
export const lastStreamRead = async (table: RecordsTable): Promise<number | undefined> =>
  storedEpochSchema.parse((await table.get(feedEpochKey)) ?? {}).lastReadAt;

/** Gives the stream something to read that tells nobody anything, so that silence means that nobody reads. */
export const probeStream = async (table: RecordsTable, now: Date): Promise<void> => {
  const key = recordKey(deploymentScope, 'feed', 'probe');
  const fields = { v: 1, kind: 'feedProbe', organizationId: deploymentScope, published: 'yes', at: now.getTime() };
  await table.write([{ put: { ...key, ...fields } }]);
};

const hour = 3_600_000;
// Two hours before the stream drops a record. Told too early is told in time: the snapshot that consumers walk then
// already holds what such an old change did, even if the stream loses the change itself afterwards.
const nearlyTrimmed = 22 * hour;
/** A delay that no healthy reader has. */
export const suspiciousDelay = hour;

/**
 * Whether the stream may have dropped records before they were read. Two signs: a record that is about to be dropped,
 * or a delay after a silence long enough that others may have been dropped unseen.
 *
 * @param oldest when the oldest record of the delivery was written (epoch milliseconds)
 * @param lastReadAt when the stream was last read, undefined when never
 */
export const mayHaveLostRecords = (oldest: number, lastReadAt: number | undefined, now: Date): boolean => {
  const delay = now.getTime() - oldest;
  if (delay > nearlyTrimmed) return true;
  return delay > suspiciousDelay && lastReadAt !== undefined && now.getTime() - lastReadAt > nearlyTrimmed;
};
