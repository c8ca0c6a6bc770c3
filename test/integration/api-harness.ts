import { Console } from 'node:console';
import { Writable } from 'node:stream';
import { Logger } from '@aws-lambda-powertools/logger';
import { DeleteMessageCommand, ReceiveMessageCommand } from '@aws-sdk/client-sqs';
import { GetCommand, ScanCommand } from '@aws-sdk/lib-dynamodb';
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2, Context } from 'aws-lambda';
import { createApi } from '../../functions/api/create-api.ts';
import { createServices } from '../../functions/api/create-services.ts';
import type { RouteGroups } from '../../functions/api/routes/index.ts';
import type { Services } from '../../functions/api/services.ts';
import { createOperatorKey } from '../../shared/organization/operator-key.ts';
import { createDocumentClient, createQueueClient } from '../../shared/platform/aws-clients.ts';
import { startTestCloud } from '../support/local-cloud.ts';

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
  /** An item of the cycles table. */
  readonly cycleItem: (pk: string, sk: string) => Promise<Readonly<Record<string, unknown>> | undefined>;
  /** Every item of the records table. */
  readonly allRecords: () => Promise<readonly Readonly<Record<string, unknown>>[]>;
  readonly cyclesTable: string;
  /** Sets the clock of the hub forward. */
  readonly advance: (milliseconds: number) => void;
  /** Stops that clock, which from then on moves by `advance` alone: no window and no day ends in the middle of a test. */
  readonly stopClock: () => void;
  readonly stop: () => Promise<void>;
}

/**
 * The event that the emulator's API Gateway makes of a request: the path decoded but for `%25`, the query as it came, the
 * cookies apart from the headers.
 */
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
  const { cookie, ...headers } = call.headers ?? {};
  return {
    version: '2.0',
    routeKey: '$default',
    rawPath,
    rawQueryString,
    headers: {
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      ...(content === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(cookie === undefined ? {} : { cookies: cookie.split(/; */) }),
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

/** What Lambda takes of a function, as JSON. */
const mostResultBytes = 6_291_556;

export const readAnswer = (result: APIGatewayProxyStructuredResultV2): Answer => {
  if (Buffer.byteLength(JSON.stringify(result)) > mostResultBytes) throw new Error('Function.ResponseSizeTooLarge');
  const headers = Object.fromEntries(
    Object.entries(result.headers ?? {}).map(([name, value]) => [name, String(value)]),
  );
  const isJson = headers['content-type']?.includes('json') === true;
  const text = result.isBase64Encoded === true ? Buffer.from(result.body ?? '', 'base64').toString() : result.body;
  return {
    status: result.statusCode ?? 0,
    headers,
    body: isJson ? JSON.parse(text ?? 'null') : text,
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
export const startApiHarness = async (
  groups: RouteGroups,
  /** Further environment of the function; told what it has. */
  moreOf: (variables: Readonly<Record<string, string>>) => Promise<Readonly<Record<string, string>>> = async () => ({}),
): Promise<ApiHarness> => {
  const cloud = await startTestCloud();
  const outside = { ...process.env };
  const { variables } = await cloud.createHubResources();
  Object.assign(process.env, variables, await moreOf(variables));

  let ahead = 0;
  let stoppedAt: number | undefined;
  const services = createServices(() => new Date((stoppedAt ?? Date.now()) + ahead));
  const log: string[] = [];
  const sink = new Writable({
    write: (chunk, _encoding, done) => {
      log.push(String(chunk));
      done();
    },
  });
  const logger = new Logger({ serviceName: 'test' });
  Object.assign(logger, { console: new Console({ stdout: sink, stderr: sink }) });
  const handler = createApi(services, groups, logger);
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
    cyclesTable: String(variables['CYCLES_TABLE']),
    cycleItem: async (pk, sk) => {
      const TableName = variables['CYCLES_TABLE'];
      return (await createDocumentClient().send(new GetCommand({ TableName, Key: { pk, sk } }))).Item;
    },
    allRecords: async () => {
      const TableName = variables['RECORDS_TABLE'];
      return (await createDocumentClient().send(new ScanCommand({ TableName }))).Items ?? [];
    },
    advance: (milliseconds) => {
      ahead += milliseconds;
    },
    stopClock: () => {
      stoppedAt ??= Date.now();
    },
    stop: async () => {
      process.env = outside;
      await cloud.stop();
    },
  };
};
