import type { RecordsTable } from '../platform/records-table.ts';
import { type FeedTail, feedHeadKey, fromHeadItem } from './feed-page.ts';

/** The tail as its item says, which may be behind the last page by what is being written. */
export const readFeedTail = async (table: RecordsTable, organizationId: string): Promise<FeedTail> =>
  fromHeadItem(await table.get(feedHeadKey(organizationId), 'eventual'));
