import { Console } from 'node:console';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { Logger } from '@aws-lambda-powertools/logger';
import { CreateTableCommand } from '@aws-sdk/client-dynamodb';
import { CreateKeyCommand } from '@aws-sdk/client-kms';
import { CreateBucketCommand } from '@aws-sdk/client-s3';
import { CreateQueueCommand, DeleteMessageCommand, ReceiveMessageCommand } from '@aws-sdk/client-sqs';
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2, Context } from 'aws-lambda';
import { createApi } from '../../functions/api/create-api.ts';
import { createServices } from '../../functions/api/create-services.ts';
import type { Route } from '../../functions/api/route.ts';
import type { Services } from '../../functions/api/services.ts';
import { startEmulator } from '../../local/emulator.ts';
import { silentProgress } from '../../local/progress.ts';
import { ensurePythonEnvironment } from '../../local/python-environment.ts';
import { createOperatorKey } from '../../shared/organization/operator-key.ts';
import {
  createDocumentClient,
  createKeyClient,
  createQueueClient,
  createStorageClient,
} from '../../shared/platform/aws-clients.ts';

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Parsed where it is JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: assertions read whatever the answer should hold
  readonly body: any;
}

export interface Call {
  readonly body?: unknown;
  /** Sent as it is, instead of `body`. */
  readonly raw?: string | Buffer;
  readonly headers?: Readonly<Record<string, string>>;
  /** Of another caller; null for none. */
  readonly token?: string | null;
}

export type Client = (method: string, pathAndQuery: string, call?: Call) => Promise<Answer>;

export interface ApiHarness {
  readonly services: Services;
  readonly operatorKey: string;
  /** A client that sends this token. */
  readonly client: (token: string | null) => Client;
  readonly operator: Client;
  /** A new organization with an admin key. */
  readonly organization: (
    input?: Readonly<Record<string, unknown>>,
  ) => Promise<{ readonly id: string; readonly name: string; readonly admin: Client; readonly key: string }>;
  /** Lines that the function has logged. */
  readonly log: readonly string[];
  /** Takes the messages that wait in a queue. */
  readonly receive: (lane: 'incoming' | 'outgoing' | 'operations') => Promise<readonly Record<string, unknown>[]>;
  /** Sets the clock of the hub forward. */
  readonly advance: (milliseconds: number) => void;
  readonly stop: () => Promise<void>;
}

const createTable = async (TableName: string, indexes: Readonly<Record<string, string>>): Promise<void> => {
  const attribute = (AttributeName: string) => ({ AttributeName, AttributeType: 'S' as const });
  const keys = (partitionKey: string) => [
    { AttributeName: partitionKey, KeyType: 'HASH' as const },
    { AttributeName: 'sk', KeyType: 'RANGE' as const },
  ];
  const entries = Object.entries(indexes);
  await createDocumentClient().send(
    new CreateTableCommand({
      TableName,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: ['pk', 'sk', ...entries.map(([, key]) => key)].map(attribute),
      KeySchema: keys('pk'),
      ...(entries.length === 0
        ? {}
        : {
            GlobalSecondaryIndexes: entries.map(([IndexName, key]) => ({
              IndexName,
              KeySchema: keys(key),
              Projection: { ProjectionType: 'ALL' as const },
            })),
          }),
    }),
  );
};

const createResources = async (): Promise<Readonly<Record<string, string>>> => {
  await createTable('cycles', {});
  await createTable('records', {
    byMailbox: 'mailboxKey',
    byRegarding: 'regardingKey',
    byConversation: 'conversationKey',
  });
  await createStorageClient().send(new CreateBucketCommand({ Bucket: 'content' }));
  const { KeyMetadata } = await createKeyClient().send(new CreateKeyCommand({}));
  const urls: Record<string, string> = {};
  for (const lane of ['incoming', 'outgoing', 'operations']) {
    const { QueueUrl } = await createQueueClient().send(
      new CreateQueueCommand({
        QueueName: `${lane}.fifo`,
        Attributes: { FifoQueue: 'true', ContentBasedDeduplication: 'true' },
      }),
    );
    urls[`${lane.toUpperCase()}_QUEUE_URL`] = QueueUrl ?? '';
  }
  return {
    CYCLES_TABLE: 'cycles',
    RECORDS_TABLE: 'records',
    CONTENT_BUCKET: 'content',
    SECRETS_KEY_ID: KeyMetadata?.KeyId ?? '',
    ...urls,
    ALLOWED_HOST_RANGES: '127.0.0.0/8,::1/128',
    ALLOW_INSECURE_CREDENTIALS: 'false',
    VERSION: '0.0.0-test',
  };
};

/** The event that API Gateway makes of a request: the path decoded but for `%25`, the query as it came. */
export const toEvent = (
  method: string,
  pathAndQuery: string,
  token: string | null,
  call: Call,
): APIGatewayProxyEventV2 => {
  const [path = '', rawQueryString = ''] = pathAndQuery.split('?');
  const rawPath = path.replace(/(?:%(?!25)[0-9A-Fa-f]{2})+/g, decodeURIComponent);
  const content = call.raw ?? (call.body === undefined ? undefined : JSON.stringify(call.body));
  const isBase64Encoded = Buffer.isBuffer(content);
  return {
    version: '2.0',
    routeKey: '$default',
    rawPath,
    rawQueryString,
    headers: {
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      ...(content === undefined ? {} : { 'content-type': 'application/json' }),
      ...call.headers,
    },
    requestContext: {
      accountId: '000000000000',
      apiId: 'api',
      domainName: 'hub.example',
      domainPrefix: 'hub',
      http: { method, path: rawPath, protocol: 'HTTP/1.1', sourceIp: '127.0.0.1', userAgent: 'test' },
      requestId: 'gateway',
      routeKey: '$default',
      stage: '$default',
      time: '',
      timeEpoch: 0,
    },
    ...(content === undefined ? {} : { body: isBase64Encoded ? content.toString('base64') : String(content) }),
    isBase64Encoded,
  };
};

export const readAnswer = (result: APIGatewayProxyStructuredResultV2): Answer => {
  const headers = Object.fromEntries(
    Object.entries(result.headers ?? {}).map(([name, value]) => [name, String(value)]),
  );
  const isJson = headers['content-type']?.includes('json') === true;
  return {
    status: result.statusCode ?? 0,
    headers,
    body: isJson ? JSON.parse(result.body ?? 'null') : result.body,
  };
};

/** Everything that a list gives out, two at a time. */
export const walkPages = async (client: Client, path: string): Promise<readonly Record<string, unknown>[]> => {
  const found: Record<string, unknown>[] = [];
  for (let cursor: string | null = ''; cursor !== null; ) {
    const { body }: Answer = await client(
      'GET',
      `${path}${path.includes('?') ? '&' : '?'}limit=2${cursor === '' ? '' : `&cursor=${cursor}`}`,
    );
    found.push(...body.data);
    cursor = body.nextCursor;
  }
  return found;
};

/** The api function on real tables, queues and a bucket, called as API Gateway calls it. */
export const startApiHarness = async (routes: readonly Route[]): Promise<ApiHarness> => {
  const runDirectory = await mkdtemp(join(tmpdir(), 'mailbox-sync-api-'));
  const python = await ensurePythonEnvironment(runDirectory, silentProgress);
  const emulator = await startEmulator({ python, runDirectory });
  const outside = { ...process.env };
  Object.assign(process.env, {
    AWS_ENDPOINT_URL: emulator.aws.endpointUrl,
    AWS_REGION: emulator.aws.region,
    AWS_ACCESS_KEY_ID: emulator.aws.accessKeyId,
    AWS_SECRET_ACCESS_KEY: emulator.aws.secretAccessKey,
  });
  Object.assign(process.env, await createResources());

  let ahead = 0;
  const services = createServices(() => new Date(Date.now() + ahead));
  const log: string[] = [];
  const sink = new Writable({
    write: (chunk, _encoding, done) => {
      log.push(String(chunk));
      done();
    },
  });
  const logger = new Logger({ serviceName: 'test' });
  Object.assign(logger, { console: new Console({ stdout: sink, stderr: sink }) });
  const handler = createApi(services, routes, logger);
  const operatorKey = await createOperatorKey(services.table, services.now());

  const client =
    (token: string | null): Client =>
    async (method, pathAndQuery, call = {}) => {
      const event = toEvent(method, pathAndQuery, call.token === undefined ? token : call.token, call);
      return readAnswer(await handler(event, {} as Context));
    };
  const operator = client(operatorKey);

  return {
    services,
    operatorKey,
    client,
    operator,
    log,
    organization: async (input = {}) => {
      const { body } = await operator('POST', '/v1/organizations', { body: { name: 'Contoso', ...input } });
      const created = await operator('POST', `/v1/organizations/${body.id}/api-keys`, {
        body: { name: 'setup', role: 'admin' },
      });
      const key = String(created.body.secret);
      return { id: body.id, name: body.name, key, admin: client(key) };
    },
    receive: async (lane) => {
      const QueueUrl = process.env[`${lane.toUpperCase()}_QUEUE_URL`];
      const queue = createQueueClient();
      const found: Record<string, unknown>[] = [];
      for (;;) {
        const { Messages = [] } = await queue.send(
          new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: 0 }),
        );
        if (Messages.length === 0) return found;
        for (const { Body, ReceiptHandle } of Messages) {
          found.push(JSON.parse(Body ?? 'null'));
          await queue.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
        }
      }
    },
    advance: (milliseconds) => {
      ahead += milliseconds;
    },
    stop: async () => {
      await emulator.stop();
      process.env = outside;
      await rm(runDirectory, { recursive: true, force: true });
    },
  };
};
