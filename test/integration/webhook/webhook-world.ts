import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { DeleteMessageCommand, PurgeQueueCommand, SQSClient } from '@aws-sdk/client-sqs';
import type { DynamoDBRecord } from 'aws-lambda';
import { createCertificates } from '../../../local/certificates.ts';
import { createRunDirectory } from '../../../local/paths.ts';
import { eventually } from '../../support/eventually.ts';
import { contextOf, type LaneHandler, loadLaneHandler, receiveLaneEvent } from '../../support/run-lane.ts';
import { type Posted, startWebhookEndpoint, type WebhookEndpoint } from '../../support/webhook-endpoint.ts';
import { createStreamReader } from '../read-stream.ts';
import { startTestApi, type TestApi } from '../role-calls.ts';

export interface WebhookWorld {
  readonly api: TestApi;
  readonly endpoint: WebhookEndpoint;
  /** Hands everything new of the stream to the feed function. */
  readonly runFeed: () => Promise<void>;
  /** Takes whatever waits out of the queue, as if it had been lost. */
  readonly loseMessages: () => Promise<void>;
  /** Waits until the path has got so many requests. */
  readonly untilPosted: (path: string, count: number, seconds?: number) => Promise<readonly Posted[]>;
  readonly stop: () => Promise<void>;
}

/** What the event source does: each message, one webhook each, is an invocation of its own, and they run in parallel. */
const pumpMessages = (handler: LaneHandler, queueUrl: string) => {
  const client = new SQSClient({});
  const running = new Set<Promise<void>>();
  let stopped = false;
  const invoke = async (event: NonNullable<Awaited<ReturnType<typeof receiveLaneEvent>>>): Promise<void> => {
    const response = await handler(event, contextOf(60_000));
    const [record] = event.Records;
    if (response?.batchItemFailures.length !== 0 || record === undefined) return;
    await client.send(new DeleteMessageCommand({ QueueUrl: queueUrl, ReceiptHandle: record.receiptHandle }));
  };
  const pump = async (): Promise<void> => {
    while (!stopped) {
      const event = await receiveLaneEvent(queueUrl, 1, 1);
      if (event === undefined) continue;
      const one = invoke(event).finally(() => running.delete(one));
      running.add(one);
    }
  };
  const pumping = pump();
  return async (): Promise<void> => {
    stopped = true;
    await pumping;
    await Promise.allSettled(running);
  };
};

/** The api, the feed function and the webhooks function on real tables and queues, and an HTTPS server to post to. */
export const startWebhookWorld = async (): Promise<WebhookWorld> => {
  const api = await startTestApi();
  process.env['POWERTOOLS_LOG_LEVEL'] = 'SILENT';
  const run = await createRunDirectory();
  const certificates = await createCertificates(run.path);
  const trusted = getCACertificates('default');
  setDefaultCACertificates([...trusted, certificates.authority]);
  const endpoint = await startWebhookEndpoint(certificates);
  const readNewRecords = createStreamReader(process.env['RECORDS_TABLE'] ?? '');
  const { handler } = await import('../../../functions/feed/handler.ts');
  const feed = handler as (event: { Records: DynamoDBRecord[]; shardId: string }) => Promise<unknown>;
  const queueUrl = String(process.env['WEBHOOKS_QUEUE_URL']);
  const stopPump = pumpMessages(await loadLaneHandler('webhooks'), queueUrl);
  return {
    api,
    endpoint,
    runFeed: async () => {
      const Records = await readNewRecords();
      if (Records.length > 0) await feed({ Records, shardId: 'shard-1' });
    },
    loseMessages: async () => {
      await new SQSClient({}).send(new PurgeQueueCommand({ QueueUrl: queueUrl }));
    },
    untilPosted: (path, count, seconds = 20) =>
      eventually(
        () => {
          const posted = endpoint.posted(path);
          return posted.length >= count ? posted : undefined;
        },
        { what: () => `${count} requests to ${path}, there are ${endpoint.posted(path).length}`, seconds },
      ),
    stop: async () => {
      await stopPump();
      await endpoint.stop();
      setDefaultCACertificates(trusted);
      await run.remove();
      await api.stop();
    },
  };
};
