import { partition, type RecordsTable, WriteConditionError } from '../platform/records-table.ts';
import type { FeedPages } from './append-events.ts';
import { endOf, feedHeadKey, fromHeadItem, fromPageItem, toPageItem } from './feed-page.ts';

/** Runs a conditional write; false when its condition did not hold. */
const succeeds = async (write: Promise<void>): Promise<boolean> => {
  try {
    await write;
    return true;
  } catch (error) {
    if (error instanceof WriteConditionError) return false;
    throw error;
  }
};

/** The pages in the records table. */
export const createFeedPages = (table: RecordsTable): FeedPages => ({
  loadTail: async (organizationId) => {
    const head = fromHeadItem(await table.get(feedHeadKey(organizationId)));
    const { items } = await table.query({ pk: partition(organizationId, 'feedPage'), descending: true, limit: 1 });
    const [newest] = items.map(fromPageItem);
    const tail =
      newest !== undefined && endOf(newest) >= head.next
        ? { next: endOf(newest) + 1, marks: newest.marks, tally: newest.tally }
        : head;
    return { tail, savedNext: head.next };
  },
  putPage: (organizationId, page) =>
    succeeds(
      table.write([{ put: toPageItem(organizationId, page), condition: { expression: 'attribute_not_exists(pk)' } }]),
    ),
  saveHead: async (organizationId, { next, marks, tally }) => {
    await succeeds(
      table.write([
        {
          put: {
            ...feedHeadKey(organizationId),
            v: 1,
            kind: 'feedHead',
            organizationId,
            next,
            marks,
            ...(tally === undefined ? {} : { tally }),
          },
          condition: {
            expression: 'attribute_not_exists(pk) OR #next < :next',
            names: { '#next': 'next' },
            values: { ':next': next },
          },
        },
      ]),
    );
  },
});
