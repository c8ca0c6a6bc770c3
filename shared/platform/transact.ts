import { type RecordsTable, type RecordWrite, WriteConditionError } from './records-table.ts';

const attempts = 12;

/**
 * A change of several items: `decide` reads what it needs and says what to write, each write on condition that what was
 * read still stands. When another writer came between, all is decided again from fresh reads; so whatever a caller has
 * to be told (an address that is taken, say) `decide` finds and throws. No writes: nothing happens.
 */
export const transact = async <Result>(
  table: RecordsTable,
  decide: () => Promise<{ readonly writes: readonly RecordWrite[]; readonly result: Result }>,
): Promise<Result> => {
  for (let attempt = 1; ; attempt += 1) {
    const { writes, result } = await decide();
    if (writes.length === 0) return result;
    try {
      await table.write(writes);
      return result;
    } catch (error) {
      if (!(error instanceof WriteConditionError) || attempt === attempts) throw error;
      await new Promise((resolve) => setTimeout(resolve, 2 ** Math.min(attempt, 6) * 4 * Math.random()));
    }
  }
};
