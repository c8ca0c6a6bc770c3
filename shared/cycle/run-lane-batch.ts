/** A received message of a lane's queue. */
export interface LaneRecord {
  readonly messageId: string;
  readonly receiptHandle: string;
  readonly body: string;
  readonly group: string;
  readonly receiveCount: number;
}

export type LaneVerdict = { readonly done: true } | { readonly done: false; readonly waitSeconds: number };

const firstRetrySeconds = 5;
const longestRetrySeconds = 120;

/** A message that is given back, so that it is delivered again after the wait. */
class PushedBack extends Error {
  constructor(waitSeconds: number) {
    super(`Delivered again in ${waitSeconds} s`);
    this.name = 'PushedBack';
  }
}

/**
 * Processes a batch: the groups in parallel, the messages of a group one after the other. Once a message of a group is
 * given back, the ones behind it are given back too, for the same time, so that their order holds. Returns one settled
 * result per record, in the records' order; rejected = to be delivered again.
 */
export const runLaneBatch = async (
  records: readonly LaneRecord[],
  deps: {
    readonly process: (record: LaneRecord) => Promise<LaneVerdict>;
    readonly pushBack: (record: LaneRecord, seconds: number) => Promise<void>;
    readonly onDefect: (error: unknown, record: LaneRecord) => void;
    /** Told of each record when nothing more is done for it, while others may go on. */
    readonly onEnd?: (record: LaneRecord, done: boolean) => Promise<void>;
  },
): Promise<PromiseSettledResult<void>[]> => {
  const results = new Map<string, PromiseSettledResult<void>>();
  const groups = new Map<string, LaneRecord[]>();
  for (const record of records) groups.set(record.group, [...(groups.get(record.group) ?? []), record]);

  const processOne = async (record: LaneRecord): Promise<LaneVerdict> => {
    try {
      return await deps.process(record);
    } catch (error) {
      deps.onDefect(error, record);
      const waitSeconds = Math.min(longestRetrySeconds, firstRetrySeconds * 2 ** Math.min(10, record.receiveCount - 1));
      return { done: false, waitSeconds };
    }
  };

  const end = async (record: LaneRecord, done: boolean): Promise<void> => {
    await deps.onEnd?.(record, done).catch((error: unknown) => deps.onDefect(error, record));
  };

  const processGroup = async (group: readonly LaneRecord[]): Promise<void> => {
    let waitSeconds: number | undefined;
    for (const record of group) {
      if (waitSeconds === undefined) {
        const verdict = await processOne(record);
        if (verdict.done) {
          results.set(record.messageId, { status: 'fulfilled', value: undefined });
          await end(record, true);
          continue;
        }
        waitSeconds = verdict.waitSeconds;
      }
      // If this call fails the message comes back all the same, only later, at its visibility time-out.
      await deps.pushBack(record, waitSeconds).catch((error: unknown) => deps.onDefect(error, record));
      results.set(record.messageId, { status: 'rejected', reason: new PushedBack(waitSeconds) });
      await end(record, false);
    }
  };

  await Promise.all([...groups.values()].map(processGroup));
  return records.map(
    (record) => results.get(record.messageId) ?? { status: 'rejected', reason: new Error('Not processed') },
  );
};
