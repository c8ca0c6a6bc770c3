import {
  type AttributeValue,
  ConditionalCheckFailedException,
  TransactionCanceledException,
  TransactionConflictException,
} from '@aws-sdk/client-dynamodb';
import {
  BatchGetCommand,
  DeleteCommand,
  type DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  QueryCommand,
  TransactWriteCommand,
  type TransactWriteCommandInput,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import { isAwsThrottle } from './is-aws-throttle.ts';
import { canExist, isWithin } from './key-limits.ts';
import type { RecordKind } from './record-kinds.ts';
import { findRefusedItem, type RefusedItemError } from './refused-item-error.ts';

/** Where an item of the records table stands; every partition belongs to one organization (or to the deployment). */
export interface RecordKey {
  readonly pk: string;
  readonly sk: string;
}

export type StoredItem = Readonly<Record<string, unknown>> & RecordKey;

/** Stands for the organization where something belongs to the deployment itself and not to one organization. */
export const deploymentScope = 'deployment';

/** The partition of one kind of item in one organization. */
export const partition = (organizationId: string, kind: RecordKind): string => `${organizationId}#${kind}`;

export const recordKey = (organizationId: string, kind: RecordKind, sk: string): RecordKey => ({
  pk: partition(organizationId, kind),
  sk,
});

type TransactItem = NonNullable<TransactWriteCommandInput['TransactItems']>[number];

interface Condition {
  readonly expression: string;
  readonly names?: Readonly<Record<string, string>>;
  readonly values?: Readonly<Record<string, unknown>>;
}

/** One write of a transaction. All writes of a call happen or none does. */
export type RecordWrite =
  | { readonly put: StoredItem; readonly condition?: Condition }
  | { readonly remove: RecordKey; readonly condition?: Condition }
  | {
      readonly update: RecordKey;
      readonly expression: string;
      readonly names?: Readonly<Record<string, string>>;
      readonly values?: Readonly<Record<string, unknown>>;
      readonly condition?: string;
    }
  | { readonly check: RecordKey; readonly condition: Condition };

/** A condition did not hold, so nothing was written. `failures[i]` tells of write i, with the item that stood there. */
export class WriteConditionError extends Error {
  readonly failures: readonly (undefined | { readonly item: StoredItem | undefined })[];

  constructor(failures: WriteConditionError['failures']) {
    super('A write condition did not hold');
    this.name = 'WriteConditionError';
    this.failures = failures;
    // Logs show what can be enumerated of an error, and these are items with all that people wrote into them.
    Object.defineProperty(this, 'failures', { enumerable: false });
  }
}

export interface QueryRange {
  readonly pk: string;
  /** Sort keys that begin with this text. */
  readonly prefix?: string;
  /** First sort key, inclusive. */
  readonly from?: string;
  /** Last sort key, inclusive. */
  readonly to?: string;
  readonly descending?: boolean;
  readonly limit?: number;
  /** Goes on after this position, as the page before returned it. */
  readonly after?: Readonly<Record<string, unknown>>;
  readonly index?: 'byMailbox' | 'byRegarding' | 'byConversation';
}

export interface QueryPage {
  readonly items: readonly StoredItem[];
  readonly after: Readonly<Record<string, unknown>> | undefined;
}

export interface RecordsTable {
  /** Strongly consistent unless `eventual` is asked for, at half the price. */
  get(key: RecordKey, consistency?: 'eventual'): Promise<StoredItem | undefined>;
  /** Strongly consistent; order is not kept, absent items are left out. */
  getMany(keys: readonly RecordKey[]): Promise<readonly StoredItem[]>;
  /**
   * Strongly consistent on the table, eventually consistent on an index. The indexes hold keys alone, so a page of one may
   * have fewer items than there is room for: what was removed or went elsewhere since is left out. An item with the key
   * of another one as `listed` stands in the index for that one, which is what the page has.
   */
  query(range: QueryRange): Promise<QueryPage>;
  /** 1 to 100 writes, all or none. @throws WriteConditionError, RefusedItemError */
  write(writes: readonly RecordWrite[]): Promise<void>;
  /** The next number of a counter, from 1, or by more than one further. No two callers get the same; a crash leaves a gap. */
  increment(key: RecordKey, options?: { readonly by?: number; readonly expiresAt?: number }): Promise<number>;
}

const indexKeys = { byMailbox: 'mailboxKey', byRegarding: 'regardingKey', byConversation: 'conversationKey' } as const;

const toTransactItem = (TableName: string, write: RecordWrite): TransactItem => {
  const ReturnValuesOnConditionCheckFailure = 'ALL_OLD' as const;
  const conditionOf = (condition: Condition | undefined) =>
    condition === undefined
      ? {}
      : {
          ConditionExpression: condition.expression,
          ...(condition.names === undefined ? {} : { ExpressionAttributeNames: { ...condition.names } }),
          ...(condition.values === undefined ? {} : { ExpressionAttributeValues: { ...condition.values } }),
        };
  if ('put' in write)
    return {
      Put: { TableName, Item: { ...write.put }, ReturnValuesOnConditionCheckFailure, ...conditionOf(write.condition) },
    };
  if ('remove' in write)
    return {
      Delete: {
        TableName,
        Key: { ...write.remove },
        ReturnValuesOnConditionCheckFailure,
        ...conditionOf(write.condition),
      },
    };
  if ('check' in write)
    return {
      ConditionCheck: {
        TableName,
        Key: { ...write.check },
        ReturnValuesOnConditionCheckFailure,
        ConditionExpression: write.condition.expression,
        ...(write.condition.names === undefined ? {} : { ExpressionAttributeNames: { ...write.condition.names } }),
        ...(write.condition.values === undefined ? {} : { ExpressionAttributeValues: { ...write.condition.values } }),
      },
    };
  return {
    Update: {
      TableName,
      Key: { ...write.update },
      UpdateExpression: write.expression,
      ReturnValuesOnConditionCheckFailure,
      ...(write.names === undefined ? {} : { ExpressionAttributeNames: { ...write.names } }),
      ...(write.values === undefined ? {} : { ExpressionAttributeValues: { ...write.values } }),
      ...(write.condition === undefined ? {} : { ConditionExpression: write.condition }),
    },
  };
};

const conflictAttempts = 8;
const keysPerRead = 100;

/** Longer each time, and never the same for two who met. */
const pause = (attempt: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, 2 ** Math.min(attempt, 8) * 5 * (1 + Math.random())));

const itemOf = (attributes: Record<string, AttributeValue> | undefined): StoredItem | undefined =>
  attributes === undefined ? undefined : (unmarshall(attributes) as StoredItem);

/** The records table behind its few access paths. Conflicts of concurrent transactions are retried here. */
export const createRecordsTable = (client: DynamoDBDocumentClient, TableName: string): RecordsTable => {
  // A lone write is sent as itself: a transaction costs twice the write units.
  const send = async (items: readonly TransactItem[]): Promise<void> => {
    const [only] = items;
    if (items.length > 1 || only?.ConditionCheck !== undefined)
      await client.send(new TransactWriteCommand({ TransactItems: [...items] }));
    else if (only?.Put !== undefined) await client.send(new PutCommand(only.Put));
    else if (only?.Delete !== undefined) await client.send(new DeleteCommand(only.Delete));
    else if (only?.Update !== undefined) await client.send(new UpdateCommand(only.Update));
  };

  const conflictOf = (error: unknown): 'conflict' | WriteConditionError | RefusedItemError | undefined => {
    if (error instanceof ConditionalCheckFailedException)
      return new WriteConditionError([{ item: itemOf(error.Item) }]);
    if (error instanceof TransactionConflictException) return 'conflict';
    if (!(error instanceof TransactionCanceledException)) return undefined;
    const reasons = error.CancellationReasons ?? [];
    if (reasons.some((reason) => reason.Code === 'ConditionalCheckFailed'))
      return new WriteConditionError(
        reasons.map((reason) => (reason.Code === 'ConditionalCheckFailed' ? { item: itemOf(reason.Item) } : undefined)),
      );
    const mayPass = isAwsThrottle(error) || reasons.some(({ Code }) => Code === 'TransactionConflict');
    return findRefusedItem(error) ?? (mayPass ? 'conflict' : undefined);
  };

  const write = async (writes: readonly RecordWrite[]): Promise<void> => {
    const items = writes.map((one) => toTransactItem(TableName, one));
    for (let attempt = 1; ; attempt += 1) {
      try {
        await send(items);
        return;
      } catch (error) {
        const conflict = conflictOf(error);
        if (conflict instanceof Error) throw conflict;
        if (conflict === undefined || attempt === conflictAttempts) throw error;
        await pause(attempt);
      }
    }
  };

  const getMany = async (keys: readonly RecordKey[], consistency?: 'eventual'): Promise<readonly StoredItem[]> => {
    const found: StoredItem[] = [];
    let pending: readonly Record<string, unknown>[] = keys.filter(canExist).map(({ pk, sk }) => ({ pk, sk }));
    let partial = 0;
    while (pending.length > 0) {
      const asked = { Keys: pending.slice(0, keysPerRead), ConsistentRead: consistency !== 'eventual' };
      const answer = await client.send(new BatchGetCommand({ RequestItems: { [TableName]: asked } }));
      found.push(...((answer.Responses?.[TableName] ?? []) as StoredItem[]));
      const left = answer.UnprocessedKeys?.[TableName]?.Keys ?? [];
      pending = [...pending.slice(keysPerRead), ...left];
      // More than an answer holds, or the partition is short of capacity: to ask again at once would keep it short.
      if (left.length > 0) {
        partial += 1;
        await pause(partial);
      }
    }
    return found;
  };

  /** The items that an index names, in its order. */
  const readIndexed = async (
    index: NonNullable<QueryRange['index']>,
    indexed: string,
    keys: readonly RecordKey[],
  ): Promise<readonly StoredItem[]> => {
    const nameOf = ({ pk, sk }: RecordKey): string => `${pk} ${sk}`;
    const read = async (some: readonly RecordKey[]): Promise<ReadonlyMap<string, StoredItem>> =>
      new Map((await getMany(some, 'eventual')).map((item) => [nameOf(item), item]));
    const listedBy = (item: StoredItem): RecordKey | undefined => item['listed'] as RecordKey | undefined;
    const items = await read(keys);
    const listed = await read([...items.values()].flatMap((item) => listedBy(item) ?? []));
    return keys.flatMap((key) => {
      const item = items.get(nameOf(key));
      if (item?.[indexKeys[index]] !== indexed) return [];
      const other = listedBy(item);
      return other === undefined ? [item] : (listed.get(nameOf(other)) ?? []);
    });
  };

  return {
    get: async (key, consistency) => {
      if (!canExist(key)) return undefined;
      const { Item } = await client.send(
        new GetCommand({ TableName, Key: { ...key }, ConsistentRead: consistency !== 'eventual' }),
      );
      return Item as StoredItem | undefined;
    },
    getMany: (keys) => getMany(keys),
    query: async (range) => {
      // DynamoDB refuses a range that ends before it begins; nothing lies in it.
      const isEmpty = range.from !== undefined && !isWithin(range.from, range);
      if (isEmpty || !canExist({ pk: range.pk, sk: range.prefix ?? range.from ?? 'any' }))
        return { items: [], after: undefined };
      const partitionKey = range.index === undefined ? 'pk' : indexKeys[range.index];
      const sortCondition =
        range.prefix !== undefined
          ? { text: ' AND begins_with(sk, :prefix)', values: { ':prefix': range.prefix } }
          : range.from !== undefined && range.to !== undefined
            ? { text: ' AND sk BETWEEN :from AND :to', values: { ':from': range.from, ':to': range.to } }
            : range.from !== undefined
              ? { text: ' AND sk >= :from', values: { ':from': range.from } }
              : range.to !== undefined
                ? { text: ' AND sk <= :to', values: { ':to': range.to } }
                : { text: '', values: {} };
      const answer = await client.send(
        new QueryCommand({
          TableName,
          ...(range.index === undefined ? { ConsistentRead: true } : { IndexName: range.index }),
          KeyConditionExpression: `${partitionKey} = :pk${sortCondition.text}`,
          ExpressionAttributeValues: { ':pk': range.pk, ...sortCondition.values },
          ScanIndexForward: range.descending !== true,
          ...(range.limit === undefined ? {} : { Limit: range.limit }),
          ...(range.after === undefined ? {} : { ExclusiveStartKey: { ...range.after } }),
        }),
      );
      const found = (answer.Items ?? []) as StoredItem[];
      const items = range.index === undefined ? found : await readIndexed(range.index, range.pk, found);
      return { items, after: answer.LastEvaluatedKey };
    },
    write,
    increment: async (key, { by = 1, expiresAt } = {}) => {
      const { Attributes } = await client.send(
        new UpdateCommand({
          TableName,
          Key: { ...key },
          UpdateExpression: `SET v = :v${expiresAt === undefined ? '' : ', expiresAt = :expiresAt'} ADD #value :by`,
          ExpressionAttributeNames: { '#value': 'value' },
          ExpressionAttributeValues: {
            ':v': 1,
            ':by': by,
            ...(expiresAt === undefined ? {} : { ':expiresAt': expiresAt }),
          },
          ReturnValues: 'UPDATED_NEW',
        }),
      );
      return Number(Attributes?.['value']);
    },
  };
};
