import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { describe, expect, it } from 'vitest';
import { isTransient } from '../../../functions/api/problem.ts';
import { createRecordsTable, WriteConditionError } from '../../../shared/platform/records-table.ts';
import { isRefusedItem } from '../../../shared/tracking/item-error.ts';

// Nothing listens there, so that whoever asks the table fails.
const client = new DynamoDBClient({
  endpoint: 'http://127.0.0.1:1',
  region: 'us-east-1',
  credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  maxAttempts: 1,
});
const table = createRecordsTable(DynamoDBDocumentClient.from(client), 'records');
const pk = 'org_1#contact';
/** 1,025 bytes. */
const long = `${'é'.repeat(512)}x`;
const nothing = { items: [], after: undefined };

describe('what can be no key of the table', () => {
  it('is found to be missing without asking, as the table would refuse to look', async () => {
    expect(await table.get({ pk, sk: long })).toBeUndefined();
    expect(await table.get({ pk, sk: '' })).toBeUndefined();
    expect(await table.getMany([{ pk, sk: long }])).toEqual([]);
    expect(await table.query({ pk, prefix: long })).toEqual(nothing);
    expect(await table.query({ pk, from: long, to: `${long}~` })).toEqual(nothing);
  });

  it('is one byte longer than what is looked for', async () => {
    await expect(table.get({ pk, sk: long.slice(1) })).rejects.toThrow('ECONNREFUSED');
    await expect(table.query({ pk, from: long.slice(1) })).rejects.toThrow('ECONNREFUSED');
  });
});

describe('a condition that did not hold', () => {
  it('shows the items that it failed at to no log', () => {
    const error = new WriteConditionError([{ item: { pk, sk: 'rec_1', entity: { displayName: 'Carl Client' } } }]);

    expect(error.failures).toHaveLength(1);
    expect(JSON.stringify({ ...error })).not.toContain('Carl');
  });
});

describe('a transaction with an item that no table can hold', () => {
  /** What the table throws when DynamoDB cancels for these reasons. */
  const errorOf = async (...codes: readonly string[]): Promise<unknown> => {
    const server = createServer((request, response) => {
      request.resume().on('end', () => {
        response.writeHead(400, { 'content-type': 'application/x-amz-json-1.0' }).end(
          JSON.stringify({
            __type: 'com.amazonaws.dynamodb.v20120810#TransactionCanceledException',
            Message: `Transaction cancelled, please refer cancellation reasons for specific reasons [${codes.join(', ')}]`,
            CancellationReasons: codes.map((Code) => ({
              Code,
              Message: 'Item size has exceeded the maximum allowed size',
            })),
          }),
        );
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const answering = new DynamoDBClient({
      endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      region: 'us-east-1',
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
      maxAttempts: 1,
    });
    try {
      return await createRecordsTable(DynamoDBDocumentClient.from(answering), 'records')
        .write(codes.map((_, index) => ({ put: { pk, sk: String(index) } })))
        .catch((error: unknown) => error);
    } finally {
      answering.destroy();
      server.close();
    }
  };

  it('is not repeated: its message is set aside, and its request is not answered with a later time', async () => {
    const error = await errorOf('None', 'ValidationError');

    expect(String(error)).toContain('Item size has exceeded the maximum allowed size');
    expect(isRefusedItem(error)).toBe(true);
    expect(isTransient(error)).toBe(false);
  });

  it('is told from one that others were faster than', async () => {
    const error = await errorOf('None', 'ConditionalCheckFailed');

    expect(error).toBeInstanceOf(WriteConditionError);
    expect(isRefusedItem(error)).toBe(false);
  });
});
