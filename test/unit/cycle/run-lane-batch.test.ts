import { describe, expect, it } from 'vitest';
import { type LaneRecord, type LaneVerdict, runLaneBatch } from '../../../shared/cycle/run-lane-batch.ts';

const record = (messageId: string, group: string): LaneRecord => ({
  messageId,
  group,
  body: messageId,
  receiptHandle: `handle-${messageId}`,
  receiveCount: 1,
});

const run = async (records: readonly LaneRecord[], process: (record: LaneRecord) => Promise<LaneVerdict>) => {
  const pushedBack: [string, number][] = [];
  const defects: string[] = [];
  const results = await runLaneBatch(records, {
    process,
    pushBack: async ({ messageId }, seconds) => void pushedBack.push([messageId, seconds]),
    onDefect: (_, { messageId }) => defects.push(messageId),
  });
  return { outcomes: results.map(({ status }) => status), pushedBack, defects };
};

const done = async (): Promise<LaneVerdict> => ({ done: true });

describe('a batch of a lane', () => {
  it('works for all mailboxes at the same time', async () => {
    const begun: string[] = [];
    const { promise: allBegun, resolve } = Promise.withResolvers<void>();

    const { outcomes } = await run([record('a', '1'), record('b', '2'), record('c', '3')], async ({ messageId }) => {
      begun.push(messageId);
      if (begun.length === 3) resolve();
      await allBegun;
      return { done: true };
    });

    expect(outcomes).toEqual(['fulfilled', 'fulfilled', 'fulfilled']);
  });

  it('keeps the order of the messages of one mailbox', async () => {
    const log: string[] = [];

    await run([record('a1', 'a'), record('b1', 'b'), record('a2', 'a')], async ({ messageId }) => {
      log.push(`begin ${messageId}`);
      await Promise.resolve();
      log.push(`end ${messageId}`);
      return { done: true };
    });

    expect(log.indexOf('begin a2')).toBeGreaterThan(log.indexOf('end a1'));
  });

  it('gives back what comes behind a message that must wait, for the same time', async () => {
    const { outcomes, pushedBack } = await run(
      [record('a1', 'a'), record('a2', 'a'), record('b1', 'b')],
      async ({ messageId }) => (messageId === 'a1' ? { done: false, waitSeconds: 7 } : { done: true }),
    );

    expect(outcomes).toEqual(['rejected', 'rejected', 'fulfilled']);
    expect(pushedBack).toEqual([
      ['a1', 7],
      ['a2', 7],
    ]);
  });

  it('lets a defect in one mailbox disturb no other', async () => {
    const { outcomes, defects } = await run([record('a1', 'a'), record('b1', 'b')], async ({ messageId }) => {
      if (messageId === 'a1') throw new Error('broken');
      return done();
    });

    expect(outcomes).toEqual(['rejected', 'fulfilled']);
    expect(defects).toEqual(['a1']);
  });

  it('waits longer each time that a defect comes again', async () => {
    const waits = await Promise.all(
      [1, 2, 3, 50].map(async (receiveCount) => {
        const { pushedBack } = await run([{ ...record('a', 'a'), receiveCount }], () =>
          Promise.reject(new Error('broken')),
        );
        return pushedBack[0]?.[1];
      }),
    );

    expect(waits).toEqual([5, 10, 20, 120]);
  });
});
