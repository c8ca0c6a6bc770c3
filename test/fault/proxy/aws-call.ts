import type { IncomingHttpHeaders } from 'node:http';

/** What of a call of AWS tells it from others. */
export interface AwsCall {
  /** Service, operation and what it is about, without identifiers. */
  readonly name: string;
  readonly service: 'dynamodb' | 'sqs' | 'scheduler' | 's3' | 'kms' | 'other';
  readonly path: string;
  /** The body where it is JSON. */
  readonly body: Readonly<Record<string, unknown>>;
}

const at = (value: unknown, ...path: readonly string[]): unknown =>
  path.reduce<unknown>(
    (inner, key) =>
      typeof inner === 'object' && inner !== null ? (inner as Readonly<Record<string, unknown>>)[key] : undefined,
    value,
  );

/** The kind of an item by its keys: `<organization>#<kind>` in the records table, else by the sort key. */
const kindOf = (table: unknown, pk: unknown, sk: unknown): string => {
  const [, ofPartition = ''] = String(pk ?? '').split('#');
  if (String(table).endsWith('-records')) return ofPartition;
  return String(sk ?? '').replace(/#.*/, '');
};

const keysOf = (table: unknown, keys: unknown): string => kindOf(table, at(keys, 'pk', 'S'), at(keys, 'sk', 'S'));

const nameWrite = (item: unknown): string => {
  const [[operation, write] = ['', undefined]] = Object.entries(item as Readonly<Record<string, unknown>>);
  const kind = keysOf(at(write, 'TableName'), at(write, 'Item') ?? at(write, 'Key'));
  return operation === 'Put' ? kind : `${operation.toLowerCase()} ${kind}`;
};

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

const describeDynamo = (operation: string, body: Readonly<Record<string, unknown>>): string => {
  const table = body['TableName'];
  if (operation === 'TransactWriteItems') {
    const kinds = listOf(body['TransactItems']).map(nameWrite);
    return [...new Set(kinds)].join(', ');
  }
  if (operation === 'BatchGetItem') {
    const [[name, request] = ['', undefined]] = Object.entries(at(body, 'RequestItems') ?? {});
    return [...new Set(listOf(at(request, 'Keys')).map((keys) => keysOf(name, keys)))].join(', ');
  }
  if (operation === 'Query') {
    const values = body['ExpressionAttributeValues'];
    return `${kindOf(table, at(values, ':pk', 'S'), 'of a mailbox')}${at(body, 'IndexName') === undefined ? '' : ` ${at(body, 'IndexName')}`}`;
  }
  if (operation === 'Scan') return 'cycles';
  const kind = keysOf(table, body['Key'] ?? body['Item']);
  // The counter of a profile is taken, given back and paused by one operation each.
  const update = String(body['UpdateExpression'] ?? '');
  const verb = /leases|[pP]ausedUntil/.test(update) ? (/^SET #hold/.test(update) ? ' release' : ' acquire') : '';
  const cursor = update.includes('cursors.#folder') ? ' cursor' : update.includes('#generation') ? ' complete' : '';
  return `${kind}${verb}${cursor}`;
};

const parse = (raw: Buffer): Readonly<Record<string, unknown>> => {
  try {
    return JSON.parse(raw.toString('utf8'));
  } catch {
    return {};
  }
};

const describeObject = (path: string): string => {
  const [, , ...rest] = decodeURIComponent(path.split('?')[0] ?? '')
    .split('/')
    .slice(1);
  return rest
    .filter((part) => !/^[a-z]{3}_/.test(part))
    .map((part) => part.replace(/^[^.]*[0-9][^.]*\./, '*.'))
    .join('/');
};

/** Names a call by its headers, path and body. */
export const nameCall = (method: string, path: string, headers: IncomingHttpHeaders, raw: Buffer): AwsCall => {
  const target = headers['x-amz-target'];
  if (typeof target === 'string') {
    const [service = '', operation = ''] = target.split('.');
    const body = parse(raw);
    if (service.startsWith('DynamoDB'))
      return { service: 'dynamodb', name: `${operation} ${describeDynamo(operation, body)}`, path, body };
    if (service === 'AmazonSQS') {
      const lane = /-(incoming|outgoing|operations)\.fifo/.exec(String(body['QueueUrl']))?.[1] ?? 'queue';
      return { service: 'sqs', name: `${operation} ${lane}`, path, body };
    }
    if (service === 'TrentService') return { service: 'kms', name: operation, path, body };
    return { service: 'other', name: target, path, body };
  }
  if (path.startsWith('/schedules/')) {
    const operation = method === 'POST' ? 'CreateSchedule' : method === 'DELETE' ? 'DeleteSchedule' : method;
    return { service: 'scheduler', name: operation, path, body: parse(raw) };
  }
  return { service: 's3', name: `${method} ${describeObject(path)}`, path, body: {} };
};
