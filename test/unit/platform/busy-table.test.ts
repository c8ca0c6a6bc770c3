import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { afterEach, describe, expect, it } from 'vitest';
import { isAwsThrottle } from '../../../shared/platform/is-aws-throttle.ts';
import { createRecordsTable, type RecordsTable } from '../../../shared/platform/records-table.ts';

const pk = 'org_1#email';

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

type KeysAsked = { RequestItems?: { records?: { Keys: { sk: { S: string } }[] } } };

let server: Server | undefined;
let client: DynamoDBClient | undefined;

afterEach(() => {
  client?.destroy();
  server?.close();
});

/** A table that answers as DynamoDB does under load; `answer` is given the request and how many came before it. */
const createBusyTable = async (answer: (asked: KeysAsked, before: number) => Answer) => {
  const instants: number[] = [];
  server = createServer((request, response) => {
    let text = '';
    request
      .setEncoding('utf8')
      .on('data', (part: string) => {
        text += part;
      })
      .on('end', () => {
        const { status, body } = answer(JSON.parse(text) as KeysAsked, instants.length);
        instants.push(performance.now());
        response.writeHead(status, { 'content-type': 'application/x-amz-json-1.0' }).end(JSON.stringify(body));
      });
  });
  const listening = server;
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve));
  client = new DynamoDBClient({
    endpoint: `http://127.0.0.1:${(listening.address() as AddressInfo).port}`,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    maxAttempts: 1,
  });
  const table: RecordsTable = createRecordsTable(DynamoDBDocumentClient.from(client), 'records');
  return { table, instants };
};

const cancelled = (...codes: readonly string[]): Answer => ({
  status: 400,
  body: {
    __type: 'com.amazonaws.dynamodb.v20120810#TransactionCanceledException',
    Message: `Transaction cancelled, please refer cancellation reasons for specific reasons [${codes.join(', ')}]`,
    CancellationReasons: codes.map((Code) => ({ Code })),
  },
});

const twoWrites = [{ put: { pk, sk: 'eml_1' } }, { put: { pk, sk: 'eml_2' } }];

describe('a transaction that the table has no capacity for', () => {
  it.each(['ThrottlingError', 'ProvisionedThroughputExceeded'])('is tried again after %s', async (code) => {
    const { table, instants } = await createBusyTable((_, before) =>
      before < 2 ? cancelled('None', code) : { status: 200, body: {} },
    );

    await table.write(twoWrites);

    expect(instants).toHaveLength(3);
  });

  it('counts as refused by AWS when it is refused to the end', async () => {
    const { table } = await createBusyTable(() => cancelled('ThrottlingError', 'None'));

    const error = await table.write(twoWrites).catch((thrown: unknown) => thrown);

    expect(isAwsThrottle(error)).toBe(true);
  });

  it('is told from one that other writers were faster than', async () => {
    const { table } = await createBusyTable(() => cancelled('TransactionConflict', 'None'));

    const error = await table.write(twoWrites).catch((thrown: unknown) => thrown);

    expect(isAwsThrottle(error)).toBe(false);
  });
});

describe('items of which the table gives a part only', () => {
  const item = ({ sk }: { readonly sk: { readonly S: string } }) => ({ pk: { S: pk }, sk });

  it('are asked for until all are there, each time later', async () => {
    const { table, instants } = await createBusyTable(({ RequestItems }) => {
      const [first, ...rest] = RequestItems?.records?.Keys ?? [];
      return {
        status: 200,
        body: {
          Responses: { records: first === undefined ? [] : [item(first)] },
          UnprocessedKeys: rest.length === 0 ? {} : { records: { Keys: rest.map(item) } },
        },
      };
    });
    const keys = ['eml_1', 'eml_2', 'eml_3', 'eml_4'].map((sk) => ({ pk, sk }));

    const found = await table.getMany(keys);

    expect(found).toEqual(keys);
    const waits = instants.slice(1).map((instant, index) => instant - (instants[index] ?? 0));
    expect(waits).toHaveLength(3);
    // Answered at once, a partition that is short would be asked hundreds of times a second.
    expect(Math.min(...waits)).toBeGreaterThan(5);
  });
});
