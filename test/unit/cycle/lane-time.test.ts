import type { Context, SQSEvent } from 'aws-lambda';
import { describe, expect, it } from 'vitest';
import { createLaneHandler } from '../../../functions/common/lane-handler.ts';

const event = {
  Records: [{ messageId: '1', receiptHandle: '1', body: '{}', attributes: { ApproximateReceiveCount: '1' } }],
} as unknown as SQSEvent;

const contextOf = (milliseconds: number): Context =>
  ({ awsRequestId: 'test', getRemainingTimeInMillis: () => milliseconds }) as Context;

const createHandler = (processed: string[]) =>
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
