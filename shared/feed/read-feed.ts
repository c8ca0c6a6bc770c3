import { FaultError } from '../platform/fault.ts';
import { partition, type RecordsTable } from '../platform/records-table.ts';
import { encodeFeedCursor, type FeedCursor } from './feed-cursor.ts';
import { epochOf, feedEpochKey } from './feed-epoch.ts';
import { type FeedEvent, matchesTypes } from './feed-event.ts';
import { endOf, type FeedPage, feedHeadKey, feedPageKey, fromHeadItem, fromPageItem } from './feed-page.ts';

export interface FeedQuery {
  /** `start`: the beginning of what exists. */
  readonly cursor: FeedCursor | 'start';
  readonly limit: number;
  readonly types?: readonly string[] | undefined;
  readonly origins?: readonly string[] | undefined;
  /** What else an event must be to be shown. */
  readonly matches?: ((event: FeedEvent) => boolean) | undefined;
  /** How long to wait for something new, 0 to 20. */
  readonly waitSeconds: number;
}

export interface FeedAnswer {
  readonly data: readonly FeedEvent[];
  readonly nextCursor: string;
  readonly hasMore: boolean;
}

const pollMilliseconds = 300;
// An answer of a function may have 6 MB.
const answerBytes = 4 * 1024 * 1024;
// A sparse filter may match little: after so many events a page is given up, with a cursor to go on.
const scannedPerAnswer = 5_000;
// A page may hold hundreds of events or one: few are read at first, and more each time they were not enough.
const fewPages = 2;
const mostPages = 32;

const pagesOf = async (
  table: RecordsTable,
  organizationId: string,
  range: { readonly from?: string; readonly to?: string; readonly descending?: boolean; readonly limit: number },
): Promise<readonly FeedPage[]> => {
  const { items } = await table.query({ pk: partition(organizationId, 'feedPage'), ...range });
  return items.map(fromPageItem);
};

const sortKey = (organizationId: string, sequence: number): string => feedPageKey(organizationId, sequence).sk;

/** The last page that begins at or before the sequence. */
const pageAt = async (table: RecordsTable, organizationId: string, sequence: number): Promise<FeedPage | undefined> => {
  const to = sortKey(organizationId, sequence);
  const [page] = await pagesOf(table, organizationId, { to, descending: true, limit: 1 });
  return page;
};

interface FeedState {
  readonly epoch: string;
  /** As the head item says; pages may be ahead of it. */
  readonly headNext: number;
}

const loadState = async (table: RecordsTable, organizationId: string): Promise<FeedState> => {
  const headKey = feedHeadKey(organizationId);
  const items = await table.getMany([headKey, feedEpochKey]);
  return {
    epoch: epochOf(items.find(({ pk }) => pk === feedEpochKey.pk)),
    headNext: fromHeadItem(items.find(({ pk }) => pk === headKey.pk)).next,
  };
};

const lastSequence = async (table: RecordsTable, organizationId: string, state: FeedState): Promise<number> => {
  const [newest] = await pagesOf(table, organizationId, { descending: true, limit: 1 });
  return Math.max(state.headNext - 1, newest === undefined ? 0 : endOf(newest));
};

/** Where the feed ends now. A cursor from here misses nothing that is written from now on. */
export const readFeedHead = async (table: RecordsTable, organizationId: string): Promise<FeedCursor> => {
  const state = await loadState(table, organizationId);
  return { epoch: state.epoch, sequence: await lastSequence(table, organizationId, state) };
};

/** The answer to a cursor that has no place in the feed any more: it names the present end. */
export const refuseExpired = async (table: RecordsTable, organizationId: string): Promise<FaultError> =>
  new FaultError('cursorExpired', {
    extensions: { resyncFrom: encodeFeedCursor(await readFeedHead(table, organizationId)) },
  });

const isAlive = (page: FeedPage, now: Date): boolean => page.expiresAt * 1000 > now.getTime();

/** Sequence before the first event that is kept in a page that begins after another one. */
const beginning = async (
  table: RecordsTable,
  organizationId: string,
  state: FeedState,
  now: Date,
  after = 0,
): Promise<number> => {
  // Expired pages stand there until the table gets round to them, in any order: those are passed over.
  let limit = 1;
  for (let from = sortKey(organizationId, after + 1); ; limit = mostPages) {
    const pages = await pagesOf(table, organizationId, { from, limit });
    const first = pages.find((page) => isAlive(page, now));
    if (first !== undefined) return first.first - 1;
    const last = pages.at(-1);
    if (last === undefined) return lastSequence(table, organizationId, state);
    from = sortKey(organizationId, endOf(last) + 1);
  }
};

interface Found {
  readonly events: readonly FeedEvent[];
  /** The last event that was looked at. */
  readonly sequence: number;
  readonly hasMore: boolean;
}

/** Reads on from a sequence, page after page. Stops before a hole, which the next request then finds. */
const readOn = async (
  table: RecordsTable,
  organizationId: string,
  after: number,
  firstPage: FeedPage | undefined,
  matches: (event: FeedEvent) => boolean,
  limit: number,
): Promise<Found> => {
  const events: FeedEvent[] = [];
  let sequence = after;
  let bytes = 0;
  let pages: readonly FeedPage[] = firstPage === undefined ? [] : [firstPage];
  for (let step = fewPages; ; step = Math.min(mostPages, step * 2)) {
    for (const page of pages) {
      if (page.first > sequence + 1) return { events, sequence, hasMore: true };
      for (const event of page.events) {
        if (event.sequence <= sequence) continue;
        const matching = matches(event);
        if (matching) bytes += Buffer.byteLength(JSON.stringify(event));
        if (
          events.length === limit ||
          (events.length > 0 && bytes > answerBytes) ||
          event.sequence - after > scannedPerAnswer
        )
          return { events, sequence, hasMore: true };
        if (matching) events.push(event);
        sequence = event.sequence;
      }
    }
    pages = await pagesOf(table, organizationId, { from: sortKey(organizationId, sequence + 1), limit: step });
    if (pages.length === 0) return { events, sequence, hasMore: false };
  }
};

/** The page that holds the next event; undefined when the sequence is the last one; `gone` when it is no longer kept. */
const locate = async (
  table: RecordsTable,
  organizationId: string,
  sequence: number,
  state: FeedState,
  now: Date,
): Promise<FeedPage | undefined | 'gone'> => {
  const page = await pageAt(table, organizationId, sequence + 1);
  if (page !== undefined && endOf(page) > sequence) return isAlive(page, now) ? page : 'gone';
  const next = Math.max(state.headNext, page === undefined ? 1 : endOf(page) + 1);
  return sequence + 1 === next ? undefined : 'gone';
};

/**
 * One answer of the feed. Strongly consistent: the same cursor always gives the same events. Events that the filters
 * leave out still move the cursor.
 *
 * @throws FaultError cursorExpired with `resyncFrom`, the cursor of the present end
 */
export const readFeed = async (
  table: RecordsTable,
  organizationId: string,
  query: FeedQuery,
  now: () => Date,
): Promise<FeedAnswer> => {
  const deadline = now().getTime() + query.waitSeconds * 1000;
  const state = await loadState(table, organizationId);
  if (query.cursor !== 'start' && query.cursor.epoch !== state.epoch) throw await refuseExpired(table, organizationId);
  let sequence =
    query.cursor === 'start' ? await beginning(table, organizationId, state, now()) : query.cursor.sequence;
  const located = await locate(table, organizationId, sequence, state, now());
  if (located === 'gone') throw await refuseExpired(table, organizationId);

  const matches = (event: FeedEvent): boolean =>
    matchesTypes(event.type, query.types) &&
    (query.origins?.includes(event.origin) ?? true) &&
    (query.matches?.(event) ?? true);
  let page = located;
  for (;;) {
    const found = await readOn(table, organizationId, sequence, page, matches, query.limit);
    sequence = found.sequence;
    if (found.events.length > 0 || found.hasMore || now().getTime() >= deadline)
      return {
        data: found.events,
        nextCursor: encodeFeedCursor({ epoch: state.epoch, sequence }),
        hasMore: found.hasMore,
      };
    page = undefined;
    await new Promise((resolve) => setTimeout(resolve, Math.min(pollMilliseconds, deadline - now().getTime())));
  }
};

/** Where the feed begins that is kept: a cursor from here is shown everything there is. */
export const readFeedStart = async (table: RecordsTable, organizationId: string, now: Date): Promise<FeedCursor> => {
  const state = await loadState(table, organizationId);
  return { epoch: state.epoch, sequence: await beginning(table, organizationId, state, now) };
};

/**
 * Where somebody goes on whose place may be gone: there, or else before the first event that is kept after it. That need
 * not be where the feed begins: an organization that keeps its feed for less time than before loses new pages first.
 */
export const readFeedPlace = async (
  table: RecordsTable,
  organizationId: string,
  wanted: number,
  now: Date,
): Promise<FeedCursor> => {
  const state = await loadState(table, organizationId);
  const sequence = Math.min(wanted, await lastSequence(table, organizationId, state));
  const isKept = (await locate(table, organizationId, sequence, state, now)) !== 'gone';
  return {
    epoch: state.epoch,
    sequence: isKept ? sequence : await beginning(table, organizationId, state, now, sequence),
  };
};

/** How many events follow a cursor; null when it has no place in the feed any more. */
export const measureLag = async (
  table: RecordsTable,
  organizationId: string,
  cursor: FeedCursor | 'start',
  now: Date,
): Promise<number | null> => {
  const state = await loadState(table, organizationId);
  if (cursor !== 'start' && cursor.epoch !== state.epoch) return null;
  const sequence = cursor === 'start' ? await beginning(table, organizationId, state, now) : cursor.sequence;
  if ((await locate(table, organizationId, sequence, state, now)) === 'gone') return null;
  return Math.max(0, (await lastSequence(table, organizationId, state)) - sequence);
};
