import { type AttributeValue, DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb';
import { KMSClient } from '@aws-sdk/client-kms';
import { S3Client } from '@aws-sdk/client-s3';
import { SchedulerClient } from '@aws-sdk/client-scheduler';
import { SQSClient } from '@aws-sdk/client-sqs';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { indexEntryBytes, itemBytes, readUnitsOf, writtenUnits } from './item-size.ts';

type Item = Record<string, AttributeValue>;
type Key = Item;

/** What was asked of AWS, by kind: `dynamodb.readUnits`, `sqs.SendMessage`, `s3.put` … */
export type Requests = Map<string, number>;

interface Writing {
  readonly TableName: string;
  readonly Key: Key;
}

/** Only what is read here of the inputs and outputs of commands. */
interface Payload {
  readonly TableName?: string;
  readonly Key?: Key;
  readonly Item?: Item;
  readonly Items?: readonly Item[];
  readonly ConsistentRead?: boolean;
  readonly RequestItems?: Readonly<
    Record<string, { readonly Keys?: readonly Key[]; readonly ConsistentRead?: boolean }>
  >;
  readonly Responses?: Readonly<Record<string, readonly Item[]>>;
  readonly TransactItems?: readonly Readonly<
    Record<string, { readonly TableName: string; readonly Key?: Key; readonly Item?: Item } | undefined>
  >[];
}

interface Sent {
  readonly service: 'dynamodb' | 'sqs' | 's3' | 'scheduler' | 'kms';
  readonly command: string;
  readonly input: Payload;
}

/** What DynamoDB counts for each stored item besides its attributes. */
const overheadBytes = 100;
const readingOperations = new Set(['GetObject', 'HeadObject']);

/** What a document client has read it has turned into plain values already. */
const sizeOf = (item: Item): number =>
  itemBytes(typeof item['pk'] === 'string' ? (marshall(item, { removeUndefinedValues: true }) as Item) : item);

const keyOf = (item: Item): Key => {
  const { pk, sk } = item;
  if (pk === undefined || sk === undefined) throw new Error('An item without keys');
  return { pk, sk };
};

const writingsOf = ({ command, input }: Sent): readonly Writing[] => {
  const place = (one: { readonly TableName?: string; readonly Key?: Key; readonly Item?: Item }): Writing => ({
    TableName: one.TableName ?? '',
    Key: one.Key ?? keyOf(one.Item ?? {}),
  });
  if (command === 'TransactWriteItems')
    return (input.TransactItems ?? []).flatMap((item) =>
      Object.values(item).flatMap((one) => (one ? [place(one)] : [])),
    );
  return ['PutItem', 'UpdateItem', 'DeleteItem'].includes(command) ? [place(input)] : [];
};

type Handler = (args: { input: object }) => Promise<{ output: object }>;

/** Only what is used of a client of the SDK, whichever it is. */
interface ClientPrototype {
  send(command: unknown, ...rest: unknown[]): unknown;
}
interface AnyClient {
  readonly middlewareStack: {
    add(
      middleware: (next: Handler, context: { readonly commandName?: string }) => Handler,
      options: { readonly step: 'build' },
    ): void;
  };
}

/**
 * Counts every request of every client of the SDK in this process, whoever makes it, from a middleware that it puts in
 * when a client is first used. Units of DynamoDB are computed by the published rules from the items as they were and are.
 */
export class RequestCounter {
  #requests: Requests = new Map();
  #isCounting = false;
  readonly #sizes = new Map<string, number>();
  readonly #storedSizes = new Map<string, number>();
  readonly #looking: DynamoDBClient;
  /** By their middleware, which a document client shares with the client below it. */
  readonly #known: WeakSet<object>;

  constructor() {
    this.#looking = new DynamoDBClient({});
    this.#known = new WeakSet([this.#looking.middlewareStack]);
    this.#watch('dynamodb', DynamoDBClient.prototype);
    this.#watch('dynamodb', DynamoDBDocumentClient.prototype);
    this.#watch('sqs', SQSClient.prototype);
    this.#watch('s3', S3Client.prototype);
    this.#watch('scheduler', SchedulerClient.prototype);
    this.#watch('kms', KMSClient.prototype);
  }

  /** What `work` asks of AWS. */
  async count(work: () => Promise<unknown>): Promise<Requests> {
    this.#requests = new Map();
    this.#isCounting = true;
    try {
      await work();
    } finally {
      this.#isCounting = false;
    }
    return this.#requests;
  }

  /** The largest item of each kind that was written while counting. */
  get itemSizes(): ReadonlyMap<string, number> {
    return this.#sizes;
  }

  /** The same with what the indexes keep of it and what DynamoDB adds to each. */
  get storedSizes(): ReadonlyMap<string, number> {
    return this.#storedSizes;
  }

  #watch(service: Sent['service'], prototype: object): void {
    const own = prototype as ClientPrototype;
    const send = own.send;
    const counter = this;
    own.send = function (this: AnyClient, ...args: Parameters<ClientPrototype['send']>) {
      if (!counter.#known.has(this.middlewareStack)) {
        counter.#known.add(this.middlewareStack);
        this.middlewareStack.add(
          (next, context) => (handled) =>
            counter.#handle({ service, command: nameOf(context.commandName), input: handled.input }, () =>
              next(handled),
            ),
          { step: 'build' },
        );
      }
      return send.apply(this, args);
    };
  }

  async #handle(sent: Sent, next: () => Promise<{ output: object }>): Promise<{ output: object }> {
    if (!this.#isCounting) return next();
    if (sent.service !== 'dynamodb') {
      this.#add(
        `${sent.service}.${sent.service === 's3' ? (readingOperations.has(sent.command) ? 'get' : 'put') : sent.command}`,
        1,
      );
      return next();
    }
    this.#add(`dynamodb.requests`, 1);
    const writings = writingsOf(sent);
    const before = await Promise.all(writings.map((writing) => this.#look(writing)));
    try {
      const answer = await next();
      this.#countReads(sent, answer.output);
      return answer;
    } finally {
      const after = await Promise.all(writings.map((writing) => this.#look(writing)));
      for (const index of writings.keys()) this.#countWrite(sent, before[index], after[index]);
    }
  }

  #countWrite(sent: Sent, before: Item | undefined, after: Item | undefined): void {
    const units = writtenUnits(before, after, sent.command === 'TransactWriteItems');
    this.#add('dynamodb.writeUnits', units);
    const item = after ?? before;
    const kind = item?.['kind']?.S ?? item?.['sk']?.S?.replace(/#.*/, '') ?? 'none';
    if (item === undefined) return;
    this.#sizes.set(kind, Math.max(this.#sizes.get(kind) ?? 0, itemBytes(item)));
    const stored = [itemBytes(item), ...indexEntryBytes(item)].reduce((sum, bytes) => sum + bytes + overheadBytes, 0);
    this.#storedSizes.set(kind, Math.max(this.#storedSizes.get(kind) ?? 0, stored));
  }

  #countReads({ command, input }: Sent, output: Payload): void {
    if (command === 'GetItem') this.#read(output.Item === undefined ? 0 : sizeOf(output.Item), input.ConsistentRead);
    if (command === 'Query' || command === 'Scan')
      this.#read(
        (output.Items ?? []).reduce((total, item) => total + sizeOf(item), 0),
        input.ConsistentRead,
      );
    if (command !== 'BatchGetItem') return;
    for (const [table, { Keys = [], ConsistentRead }] of Object.entries(input.RequestItems ?? {})) {
      const found = output.Responses?.[table] ?? [];
      for (const item of found) this.#read(sizeOf(item), ConsistentRead);
      for (let absent = found.length; absent < Keys.length; absent += 1) this.#read(0, ConsistentRead);
    }
  }

  #read(bytes: number, consistent: boolean | undefined): void {
    this.#add('dynamodb.readUnits', readUnitsOf(bytes, consistent === true));
  }

  async #look({ TableName, Key }: Writing): Promise<Item | undefined> {
    return (await this.#looking.send(new GetItemCommand({ TableName, Key, ConsistentRead: true }))).Item;
  }

  #add(kind: string, amount: number): void {
    this.#requests.set(kind, (this.#requests.get(kind) ?? 0) + amount);
  }
}

const nameOf = (commandName: string | undefined): string => (commandName ?? '').replace(/Command$/, '');

export const addRequests = (...all: readonly Requests[]): Requests => {
  const total: Requests = new Map();
  for (const requests of all) for (const [kind, amount] of requests) total.set(kind, (total.get(kind) ?? 0) + amount);
  return total;
};

export const scaleRequests = (requests: Requests, factor: number): Requests =>
  new Map([...requests].map(([kind, amount]) => [kind, amount * factor]));

export const describeRequests = (requests: Requests): string =>
  [...requests]
    .filter(([, amount]) => Math.abs(amount) > 1e-9)
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([kind, amount]) => `${kind} ${Number(amount.toFixed(2))}`)
    .join(', ');
