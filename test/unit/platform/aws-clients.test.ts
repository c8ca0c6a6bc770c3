import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as pass } from 'node:timers/promises';
import { DescribeKeyCommand } from '@aws-sdk/client-kms';
import { HeadObjectCommand } from '@aws-sdk/client-s3';
import { GetScheduleCommand } from '@aws-sdk/client-scheduler';
import { GetQueueUrlCommand } from '@aws-sdk/client-sqs';
import { GetCommand } from '@aws-sdk/lib-dynamodb';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  createDocumentClient,
  createKeyClient,
  createQueueClient,
  createSchedulerClient,
  createStorageClient,
} from '../../../shared/platform/aws-clients.ts';

const environment = { ...process.env };
let server: Server;
let requests: number;

beforeEach(async () => {
  requests = 0;
  server = createServer((request, response) => {
    request.resume();
    requests += 1;
    // The first one is lost, as on a connection that died while the function stood still.
    if (requests > 1) response.setHeader('content-type', 'application/json').end('{}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  Object.assign(process.env, {
    AWS_ENDPOINT_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
  });
});

afterEach(async () => {
  vi.useRealTimers();
  process.env = { ...environment };
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const until = async (holds: () => boolean, passTime: () => Promise<unknown>): Promise<void> => {
  while (!holds()) {
    await passTime();
    // Real time, which the machine needs for a real answer: minutes of the others' would pass before it.
    await pass(3);
  }
};

describe('a request to AWS whose answer never comes', () => {
  it.each([
    ['DynamoDB', 10, () => createDocumentClient().send(new GetCommand({ TableName: 'table', Key: { pk: '1' } }))],
    ['SQS', 10, () => createQueueClient().send(new GetQueueUrlCommand({ QueueName: 'queue' }))],
    ['Scheduler', 10, () => createSchedulerClient().send(new GetScheduleCommand({ Name: 'timer' }))],
    ['KMS', 10, () => createKeyClient().send(new DescribeKeyCommand({ KeyId: 'key' }))],
    ['S3', 30, () => createStorageClient().send(new HeadObjectCommand({ Bucket: 'content', Key: 'key' }))],
  ])('is sent again long before the function must end: %s', async (_service, seconds, ask) => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    let answered = false;
    let waited = 0;

    const answer = ask().finally(() => {
      answered = true;
    });
    await until(
      () => requests === 1,
      async () => undefined,
    );
    await until(
      () => answered || waited > 100_000,
      () => {
        waited += 100;
        return vi.advanceTimersByTimeAsync(100);
      },
    );

    expect(answered).toBe(true);
    await expect(answer).resolves.toMatchObject({ $metadata: { httpStatusCode: 200, attempts: 2 } });
    expect(waited / 1000).toBeGreaterThanOrEqual(seconds);
  });
});
