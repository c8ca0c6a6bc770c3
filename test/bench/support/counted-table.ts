import type { RecordsTable } from '../../../shared/platform/records-table.ts';

export interface CountedTable extends RecordsTable {
  readonly reads: () => { readonly calls: number; readonly items: number };
}

/** Counts what is read through a table: calls, and the items that they answer. */
export const countReads = (table: RecordsTable): CountedTable => {
  let calls = 0;
  let items = 0;
  const count = async <Answer>(answer: Promise<Answer>, itemsOf: (answer: Answer) => number): Promise<Answer> => {
    calls += 1;
    const known = await answer;
    items += itemsOf(known);
    return known;
  };
  return {
    ...table,
    get: (key, consistency) => count(table.get(key, consistency), (item) => (item === undefined ? 0 : 1)),
    getMany: (keys) => (keys.length === 0 ? table.getMany(keys) : count(table.getMany(keys), ({ length }) => length)),
    query: (range) => count(table.query(range), (page) => page.items.length),
    reads: () => ({ calls, items }),
  };
};
