import type { AttributeValue } from '@aws-sdk/client-dynamodb';

type Item = Readonly<Record<string, AttributeValue>>;

const textBytes = (text: string): number => Buffer.byteLength(text);

/** About a byte for two significant digits, and one more. */
const numberBytes = (text: string): number => {
  const digits = text
    .replace(/^-/, '')
    .replace('.', '')
    .replace(/^0+|0+$/g, '').length;
  return Math.ceil(digits / 2) + 1 + (text.startsWith('-') ? 1 : 0);
};

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

const valueBytes = (value: AttributeValue): number => {
  if (value.S !== undefined) return textBytes(value.S);
  if (value.N !== undefined) return numberBytes(value.N);
  if (value.B !== undefined) return value.B.length;
  if (value.SS !== undefined) return sum(value.SS.map(textBytes));
  if (value.NS !== undefined) return sum(value.NS.map(numberBytes));
  if (value.L !== undefined) return 3 + sum(value.L.map((element) => 1 + valueBytes(element)));
  if (value.M !== undefined)
    return 3 + sum(Object.entries(value.M).map(([name, element]) => 1 + textBytes(name) + valueBytes(element)));
  return 1;
};

/** The size of an item by DynamoDB's published rules ("DynamoDB item sizes and formats"). */
export const itemBytes = (item: Item): number =>
  sum(Object.entries(item).map(([name, value]) => textBytes(name) + valueBytes(value)));

export const readUnitsOf = (bytes: number, consistent: boolean): number =>
  Math.max(1, Math.ceil(bytes / 4096)) * (consistent ? 1 : 0.5);

const writeUnitsOf = (bytes: number): number => Math.max(1, Math.ceil(bytes / 1024));

const indexKeys = ['mailboxKey', 'regardingKey', 'conversationKey'];

/** What each index that lists the item stores of it: the keys. */
export const indexEntryBytes = (item: Item): readonly number[] =>
  indexKeys.flatMap((name) => {
    const { pk, sk, [name]: key } = item;
    return pk === undefined || sk === undefined || key === undefined ? [] : [itemBytes({ pk, sk, [name]: key })];
  });

/** The write units of an item that was `before` and is `after`: its own, and one where an index names it anew or no more. */
export const writtenUnits = (before: Item | undefined, after: Item | undefined, inTransaction: boolean): number => {
  const sizes = [before, after].map((item) => (item === undefined ? 0 : itemBytes(item)));
  const own = writeUnitsOf(Math.max(...sizes)) * (inTransaction ? 2 : 1);
  const indexes = indexKeys.map((name) => {
    const [from, to] = [before?.[name]?.S, after?.[name]?.S];
    return from === to ? 0 : Number(from !== undefined) + Number(to !== undefined);
  });
  return own + sum(indexes);
};
