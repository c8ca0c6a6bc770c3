import type { Context, SQSEvent } from 'aws-lambda';
import { describe, expect, it } from 'vitest';
import { createLaneHandler } from '../../../functions/common/lane-handler.ts';

const event = {
  Records: [{ messageId: '1', receiptHandle: '1', body: '{}', attributes: { ApproximateReceiveCount: '1' } }],
} as unknown as SQSEvent;

const contextOf = (milliseconds: number): Context =>
  ({ awsRequestId: 'test', getRemainingTimeInMillis: () => milliseconds }) as Context;

const createHandler = (processed: string[], work = Promise.resolve()) =>
  createLaneHandler(
    'incoming',
    {
      send: async () => undefined,
      pushBack: async () => undefined,
      acknowledge: async () => undefined,
      countWaiting: async () => 0,
    },
    async ({ messageId }) => {
      processed.push(messageId);
      await work;
      return { done: true };
    },
  );

describe('a lane whose function is given no time to work', () => {
  it('fails as a whole, so that the alarm on its errors tells of it, and begins no run that could only be cut off', async () => {
    const processed: string[] = [];

    await expect(createHandler(processed)(event, contextOf(3_000))).rejects.toThrow(/time-out/);

    expect(processed).toEqual([]);
  });

  it('works as soon as it is given enough', async () => {
    const processed: string[] = [];

    await expect(createHandler(processed)(event, contextOf(20_000))).resolves.toEqual({ batchItemFailures: [] });

    expect(processed).toEqual(['1']);
  });
});

describe('a lane whose work takes longer than its function may run', () => {
  it('does not answer for it: Lambda ends the call, which an alarm counts, and with it all that was under way', async () => {
    const { promise: work, resolve: endWork } = Promise.withResolvers<void>();
    const remaining = [20_000];
    const context = { awsRequestId: 'test', getRemainingTimeInMillis: () => remaining.shift() ?? 5 } as Context;

    const answer = createHandler([], work)(event, context);
    const soon = new Promise((resolve) => setTimeout(() => resolve('no answer'), 20));

    expect(await Promise.race([answer, soon])).toBe('no answer');
    endWork();
    await expect(answer).resolves.toEqual({ batchItemFailures: [] });
  });
});
