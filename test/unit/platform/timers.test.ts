import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SchedulerClient } from '@aws-sdk/client-scheduler';
import { afterEach, describe, expect, it } from 'vitest';
import { createTimers } from '../../../shared/platform/timers.ts';

let server: Server | undefined;
let client: SchedulerClient | undefined;

afterEach(() => {
  client?.destroy();
  server?.close();
});

/** Timers at a Scheduler that answers each request with this error of its API reference. */
const createRefusedTimers = async (status: number, error: string) => {
  server = createServer((request, response) => {
    request.resume().on('end', () => {
      response
        .writeHead(status, { 'content-type': 'application/json', 'x-amzn-errortype': error })
        .end(JSON.stringify({ Message: 'Refused' }));
    });
  });
  const listening = server;
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve));
  client = new SchedulerClient({
    endpoint: `http://127.0.0.1:${(listening.address() as AddressInfo).port}`,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    maxAttempts: 1,
  });
  return createTimers(client, {
    groupName: 'timers',
    roleArn: 'arn:aws:iam::000000000000:role/timers',
    deadLetterArn: 'arn:aws:sqs:us-east-1:000000000000:dead-letters',
    queueArns: { incoming: 'arn:aws:sqs:us-east-1:000000000000:incoming.fifo' },
  });
};

const timer = { name: 'mbx_1-incoming-7', at: 1_900_000_000_000, lane: 'incoming', group: 'mbx_1', body: {} };

describe('a timer that Scheduler does not take back', () => {
  it.each([
    ['fired and is gone', 404, 'ResourceNotFoundException'],
    ['fires or is removed just now', 409, 'ConflictException'],
  ])('is left alone when it %s: what it sends is recognised as stale', async (_, status, error) => {
    const timers = await createRefusedTimers(status, error);

    await expect(timers.disarm(timer.name)).resolves.toBeUndefined();
  });

  it('is tried again by whoever asked when Scheduler is too busy', async () => {
    const timers = await createRefusedTimers(429, 'ThrottlingException');

    await expect(timers.disarm(timer.name)).rejects.toThrow('Refused');
  });
});

describe('a timer that cannot be armed', () => {
  it('stands already when its name is taken', async () => {
    const timers = await createRefusedTimers(409, 'ConflictException');

    await expect(timers.arm(timer)).resolves.toBeUndefined();
  });

  it.each([
    [404, 'ResourceNotFoundException'],
    [402, 'ServiceQuotaExceededException'],
    [429, 'ThrottlingException'],
    [400, 'ValidationException'],
  ])('is an error of whoever arms it, who comes again: %i %s', async (status, error) => {
    const timers = await createRefusedTimers(status, error);

    await expect(timers.arm(timer)).rejects.toThrow('Refused');
  });
});
