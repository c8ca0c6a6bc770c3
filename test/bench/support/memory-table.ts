import {
  type RecordKey,
  type RecordsTable,
  type RecordWrite,
  type StoredItem,
  WriteConditionError,
} from '../../../shared/platform/records-table.ts';

interface Condition {
  readonly expression: string;
  readonly names?: Readonly<Record<string, string>>;
  readonly values?: Readonly<Record<string, unknown>>;
}

const valueAt = (item: StoredItem | undefined, path: string, names: Condition['names']): unknown =>
  path.split('.').reduce<unknown>((value, step) => {
    const name = step.startsWith('#') ? (names?.[step] ?? step) : step;
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
  }, item);

/** Only the forms that are used where a mailbox is read. */
const clauseHolds = (clause: string, item: StoredItem | undefined, { names, values }: Condition): boolean => {
  const exists = /^attribute_(not_)?exists\(([^)]+)\)$/.exec(clause);
  if (exists !== null) return (valueAt(item, exists[2] ?? '', names) === undefined) === (exists[1] !== undefined);
  const compared = /^(\S+) (=|<>) (:\S+)$/.exec(clause);
  if (compared === null) throw new Error(`The table in memory does not know the condition ${clause}`);
  const equal = valueAt(item, compared[1] ?? '', names) === values?.[compared[3] ?? ''];
  return equal === (compared[2] === '=');
};

const conditionHolds = (condition: Condition, item: StoredItem | undefined): boolean =>
  condition.expression
    .split(' OR ')
    .some((part) => part.split(' AND ').every((clause) => clauseHolds(clause.trim(), item, condition)));

class Partition {
  readonly items = new Map<string, StoredItem>();
  #keys: string[] = [];
  #isSorted = true;

  put(item: StoredItem): void {
    if (!this.items.has(item.sk)) {
      this.#isSorted &&= (this.#keys.at(-1) ?? '') < item.sk;
      this.#keys.push(item.sk);
    }
    this.items.set(item.sk, item);
  }

  remove(sk: string): void {
    if (this.items.delete(sk)) this.#keys = this.#keys.filter((key) => key !== sk);
  }

  /** The items whose sort keys stand from `first` on and before `end`, forwards or backwards. */
  *between(first: string, end: string | undefined, descending: boolean): Generator<StoredItem> {
    if (!this.#isSorted) this.#keys.sort();
    this.#isSorted = true;
    const low = this.#placeOf(first);
    const high = end === undefined ? this.#keys.length : this.#placeOf(end);
    for (let place = low; place < high; place += 1) {
      const item = this.items.get(this.#keys[descending ? high - 1 - (place - low) : place] ?? '');
      if (item !== undefined) yield item;
    }
  }

  #placeOf(key: string): number {
    let low = 0;
    for (let high = this.#keys.length; low < high; ) {
      const middle = (low + high) >> 1;
      if ((this.#keys[middle] ?? '') < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** What is greater than every text that begins with this one, and than this one itself. */
const afterAll = (text: string): string => `${text}\uffff`;

/** The records table in memory: what reading a mailbox asks of it, at no cost to speak of. */
export const createMemoryTable = (items: Iterable<StoredItem>): RecordsTable => {
  const partitions = new Map<string, Partition>();
  const partitionOf = (pk: string): Partition => {
    const known = partitions.get(pk) ?? new Partition();
    partitions.set(pk, known);
    return known;
  };
  for (const item of items) partitionOf(item.pk).put(item);
  const find = ({ pk, sk }: RecordKey): StoredItem | undefined => partitions.get(pk)?.items.get(sk);
  const keyOf = (write: RecordWrite): RecordKey => {
    if ('put' in write) return write.put;
    if ('remove' in write) return write.remove;
    if ('check' in write) return write.check;
    throw new Error('The table in memory makes no updates');
  };
  return {
    get: async (key) => find(key),
    getMany: async (keys) => keys.flatMap((key) => find(key) ?? []),
    query: async (range) => {
      if (range.index !== undefined || range.after !== undefined)
        throw new Error('The table in memory is read without indexes and from the beginning');
      const found: StoredItem[] = [];
      const last = range.prefix ?? range.to;
      // A last sort key counts itself, a prefix everything that begins with it.
      const end = last === undefined ? undefined : range.prefix === undefined ? `${last}\u0000` : afterAll(last);
      const first = range.prefix ?? range.from ?? '';
      for (const item of partitionOf(range.pk).between(first, end, range.descending === true)) {
        found.push(item);
        if (found.length === range.limit) break;
      }
      return { items: found, after: undefined };
    },
    write: async (writes) => {
      const failures = writes.map((write) => {
        const item = find(keyOf(write));
        const condition = 'update' in write ? undefined : write.condition;
        return condition === undefined || conditionHolds(condition, item) ? undefined : { item };
      });
      if (failures.some((failure) => failure !== undefined)) throw new WriteConditionError(failures);
      for (const write of writes) {
        if ('put' in write) partitionOf(write.put.pk).put(write.put);
        if ('remove' in write) partitionOf(write.remove.pk).remove(write.remove.sk);
      }
    },
    increment: async (key, { by = 1 } = {}) => {
      const value = Number(find(key)?.['value'] ?? 0) + by;
      partitionOf(key.pk).put({ ...key, value });
      return value;
    },
  };
};
