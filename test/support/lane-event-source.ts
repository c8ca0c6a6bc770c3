import type { SQSEvent } from 'aws-lambda';
import { contextOf, deleteProcessed, type LaneHandler, receiveLaneEvent } from './run-lane.ts';

export interface EventSourceOptions {
  readonly handler: LaneHandler;
  readonly queueUrl: string;
  /** Most invocations at a time. */
  readonly concurrency: number;
  readonly batchSize: number;
  /** How long an invocation is told that it may run. */
  readonly timeoutSeconds: number;
  /** A batch with such a message ends its function before it could do anything; it comes back when it is visible again. */
  readonly isDeadly?: (body: string) => boolean;
}

/** What Lambda does with a lane's queue: as many invocations at a time as are allowed, each with its batch. */
export const startEventSource = (options: EventSourceOptions): { readonly stop: () => Promise<void> } => {
  const { handler, queueUrl, concurrency, batchSize, timeoutSeconds, isDeadly = () => false } = options;
  const running = new Set<Promise<void>>();
  let stopped = false;

  const invoke = async (event: SQSEvent): Promise<void> => {
    if (event.Records.some(({ body }) => isDeadly(body))) return;
    await deleteProcessed(queueUrl, event, await handler(event, contextOf(timeoutSeconds * 1000)));
  };

  const poll = async (): Promise<void> => {
    while (!stopped) {
      if (running.size >= concurrency) {
        await Promise.race(running);
        continue;
      }
      const event = await receiveLaneEvent(queueUrl, 1, batchSize);
      if (event === undefined) continue;
      // An invocation that fails as a whole gives its batch back when it is visible again.
      const one = invoke(event)
        .catch(() => undefined)
        .finally(() => running.delete(one));
      running.add(one);
    }
  };

  const polling = poll();
  return {
    stop: async () => {
      stopped = true;
      await polling;
      await Promise.all(running);
    },
  };
};
