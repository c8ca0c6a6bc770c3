import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { DeleteMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import type { DynamoDBRecord, SQSEvent } from 'aws-lambda';
import { createCertificates } from '../../../local/certificates.ts';
import { createRunDirectory } from '../../../local/paths.ts';
import type { WebhookMessage } from '../../../shared/cycle/lane-message.ts';
import { eventually } from '../../support/eventually.ts';
import { contextOf, type LaneHandler, loadLaneHandler, receiveLaneEvent } from '../../support/run-lane.ts';
import { type Posted, startWebhookEndpoint, type WebhookEndpoint } from '../../support/webhook-endpoint.ts';
import type { Answer } from '../api-harness.ts';
import { createStreamReader } from '../read-stream.ts';
import { type ApiCall, startTestApi, type TestApi, type TestOrganization } from '../role-calls.ts';

export interface WebhookWorld {
  readonly api: TestApi;
  readonly endpoint: WebhookEndpoint;
  /** Hands everything new of the stream to the feed function. */
  readonly runFeed: () => Promise<void>;
  /** Invokes the webhooks function with this message, delivered so many times. */
  readonly deliver: (message: WebhookMessage, receiveCount: number) => Promise<void>;
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
  const webhooks = await loadLaneHandler('webhooks');
  const stopPump = pumpMessages(webhooks, queueUrl);
  return {
    api,
    endpoint,
    runFeed: async () => {
      const Records = await readNewRecords();
      if (Records.length > 0) await feed({ Records, shardId: 'shard-1' });
    },
    deliver: async (message, receiveCount) => {
      const attributes = { MessageGroupId: message.mailboxId, ApproximateReceiveCount: String(receiveCount) };
      const record = { messageId: 'm-1', receiptHandle: 'none', body: JSON.stringify(message), attributes };
      await webhooks({ Records: [record] } as unknown as SQSEvent, contextOf(60_000));
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

/** Assertions read whatever it should hold. */
type Body = Answer['body'];

/** An organization of its own, and a path of the endpoint for its webhooks. */
export interface WebhookCase {
  readonly organization: TestOrganization;
  readonly call: ApiCall;
  readonly path: string;
  /** Makes every wait between two attempts one second. */
  readonly quicken: () => Promise<unknown>;
  readonly subscribe: (input?: object, at?: string) => Promise<Body>;
  /** Makes contacts, and lets the feed tell of them. */
  readonly putContacts: (...names: readonly string[]) => Promise<void>;
  readonly read: (webhookId: string) => Promise<Body>;
  readonly untilStatus: (webhookId: string, status: string) => Promise<Body>;
  /** Waits until the hub has noted that the endpoint has taken everything: it does so after the answer to the last request. */
  readonly untilCaughtUp: (webhookId: string) => Promise<void>;
  readonly openAlerts: (webhookId: string) => Promise<readonly Body[]>;
}

let cases = 0;

export const beginCase = async (world: WebhookWorld): Promise<WebhookCase> => {
  const organization = await world.api.createOrganization();
  const call = organization.as('crm');
  cases += 1;
  const path = `/hook-${cases}`;
  const read: WebhookCase['read'] = async (id) => (await call('GET', `/webhooks/${id}`)).body;
  return {
    organization,
    call,
    path,
    read,
    quicken: () => organization.as('admin')('PATCH', '/settings', { webhooks: { retry: { maxSeconds: 1 } } }),
    subscribe: async (input = {}, at = path) => {
      const { body, status } = await call('POST', '/webhooks', {
        url: world.endpoint.url(at),
        types: ['record.*'],
        ...input,
      });
      if (status !== 201) throw new Error(`The webhook was refused: ${JSON.stringify(body)}`);
      return body;
    },
    putContacts: async (...names) => {
      for (const name of names) await call('PUT', `/records/contact/ext:${name}`, { displayName: name });
      await world.runFeed();
    },
    untilStatus: (id, status) =>
      eventually(
        async () => {
          const webhook = await read(id);
          return webhook.status === status ? webhook : undefined;
        },
        { what: `the webhook is ${status}`, seconds: 30 },
      ),
    untilCaughtUp: async (id) => {
      await eventually(
        async () => {
          const state = await world.api.cycleItem(`${organization.id}#${id}`, 'webhook');
          if (state === undefined || state['runId'] !== undefined) return undefined;
          return (await read(id)).delivery.lag === 0 ? true : undefined;
        },
        { what: 'the webhook has caught up' },
      );
    },
    openAlerts: async (id) =>
      (await call('GET', '/alerts?status=open')).body.data.filter((alert: Body) => alert.subject.id === id),
  };
};

export const contentOf = ({ body }: Posted): Body => JSON.parse(body);

/** How many connections the requests came by. */
export const countConnections = (posted: readonly Posted[]): number =>
  new Set(posted.map(({ connection }) => connection)).size;

/** What the requests are about, in their order. */
export const subjectsOf = (posted: readonly Posted[]): readonly unknown[] =>
  posted.map((one) => contentOf(one).data.subject.externalId);
