import type { LaneRecord } from '../../shared/cycle/run-lane-batch.ts';

/**
 * Acknowledges messages that are done while others of their batch go on. Lambda deletes a batch when the invocation ends;
 * until then a server that hangs for one mailbox would hold back whatever comes next for the other nine.
 */
export interface EarlyAcknowledgement {
  done(record: LaneRecord): void;
  /** The invocation ends: Lambda acknowledges the rest. */
  end(): Promise<void>;
}

/** Most batches are over by then, and cost no request more. */
const patienceMilliseconds = 1_500;

export const createEarlyAcknowledgement = (
  acknowledge: (record: LaneRecord) => Promise<void>,
): EarlyAcknowledgement => {
  let waiting: LaneRecord[] = [];
  const underWay: Promise<void>[] = [];
  let timer: NodeJS.Timeout | undefined;
  const acknowledgeAll = (): void => {
    timer = undefined;
    // What cannot be acknowledged now is when the invocation ends.
    underWay.push(...waiting.map((record) => acknowledge(record).catch(() => undefined)));
    waiting = [];
  };
  return {
    done: (record) => {
      waiting.push(record);
      timer ??= setTimeout(acknowledgeAll, patienceMilliseconds);
    },
    end: async () => {
      clearTimeout(timer);
      await Promise.all(underWay);
    },
  };
};
