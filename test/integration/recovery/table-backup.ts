import { BatchWriteCommand, type DynamoDBDocumentClient, paginateScan } from '@aws-sdk/lib-dynamodb';
import { createDocumentClient } from '../../../shared/platform/aws-clients.ts';

type Item = Readonly<Record<string, unknown>>;

/** All that a table held at one moment. */
export interface TableBackup {
  readonly tableName: string;
  readonly items: readonly Item[];
}

const batchSize = 25;

const scan = async (client: DynamoDBDocumentClient, TableName: string): Promise<readonly Item[]> => {
  const items: Item[] = [];
  for await (const page of paginateScan({ client }, { TableName, ConsistentRead: true }))
    items.push(...(page.Items ?? []));
  return items;
};

export const backUpTable = async (tableName: string): Promise<TableBackup> => ({
  tableName,
  items: await scan(createDocumentClient(), tableName),
});

/** Makes the table hold what it held then, and nothing else. */
export const restoreTable = async ({ tableName, items }: TableBackup): Promise<void> => {
  const client = createDocumentClient();
  const present = await scan(client, tableName);
  const requests = [
    ...present.map(({ pk, sk }) => ({ DeleteRequest: { Key: { pk, sk } } })),
    ...items.map((Item) => ({ PutRequest: { Item } })),
  ];
  // A batch must not name a key twice, so what is deleted and put back goes in two.
  for (const kind of ['DeleteRequest', 'PutRequest'] as const) {
    const own = requests.filter((request) => kind in request);
    for (let at = 0; at < own.length; at += batchSize)
      await client.send(new BatchWriteCommand({ RequestItems: { [tableName]: own.slice(at, at + batchSize) } }));
  }
};
