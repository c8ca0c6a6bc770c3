import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { describe, expect, it } from 'vitest';
import { createRecordsTable, WriteConditionError } from '../../../shared/platform/records-table.ts';

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
