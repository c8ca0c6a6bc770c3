import * as z from 'zod';
import { type RecordKey, recordKey, type StoredItem } from '../platform/records-table.ts';
import { type FeedEvent, feedEventSchema } from './feed-event.ts';
import { type FeedTally, feedTallySchema } from './feed-tally.ts';

/**
 * Where a change stands in a shard of the records stream: the stream's sequence number and the place among the changes
 * of that stream record.
 */
export interface StreamPosition {
  readonly sequence: string;
  readonly index: number;
}

const markSchema = z.object({ sequence: z.string(), index: z.int(), at: z.number() });

/** Per shard, the last change that the feed holds, and when (epoch milliseconds) it was put there. */
export const feedMarksSchema = z.record(z.string(), markSchema);
export type FeedMarks = z.output<typeof feedMarksSchema>;

/** Neighbouring events of one organization. The next page starts at `first + events.length`, so no hole can exist. */
export interface FeedPage {
  readonly first: number;
  readonly events: readonly FeedEvent[];
  readonly marks: FeedMarks;
  /** Of everything up to here; pages of before it was kept have none. */
  readonly tally?: FeedTally | undefined;
  /** Epoch seconds. */
  readonly expiresAt: number;
}

/** Where the next page goes, and what of the stream is already in the feed. */
export interface FeedTail {
  readonly next: number;
  readonly marks: FeedMarks;
  readonly tally?: FeedTally | undefined;
}

export const feedPageKey = (organizationId: string, first: number): RecordKey =>
  recordKey(organizationId, 'feedPage', String(first).padStart(15, '0'));

/** The tail in an item of its own: pages expire, and the count must go on after the last of them is gone. */
export const feedHeadKey = (organizationId: string): RecordKey => recordKey(organizationId, 'feedHead', 'head');

// The events are one text: smaller than a map of attributes, and its length is the page's size.
export const storedPageSchema = z.object({
  first: z.int().positive(),
  events: z.string(),
  marks: feedMarksSchema,
  tally: feedTallySchema.optional(),
  expiresAt: z.number(),
});

export const toPageItem = (organizationId: string, page: FeedPage): StoredItem => ({
  ...feedPageKey(organizationId, page.first),
  v: 1,
  kind: 'feedPage',
  organizationId,
  first: page.first,
  events: JSON.stringify(page.events),
  marks: page.marks,
  ...(page.tally === undefined ? {} : { tally: page.tally }),
  expiresAt: page.expiresAt,
});

export const fromPageItem = (item: StoredItem): FeedPage => {
  const { events, ...stored } = storedPageSchema.parse(item);
  return { ...stored, events: z.array(feedEventSchema).parse(JSON.parse(events)) };
};

export const storedHeadSchema = z.object({
  next: z.int().positive(),
  marks: feedMarksSchema,
  tally: feedTallySchema.optional(),
});

export const fromHeadItem = (item: StoredItem | undefined): FeedTail =>
  item === undefined ? { next: 1, marks: {} } : storedHeadSchema.parse(item);

export const endOf = (page: FeedPage): number => page.first + page.events.length - 1;

/** True when the feed holds what stands at this position. The stream's numbers are integers beyond 2^53. */
export const isMarked = (marks: FeedMarks, shard: string, position: StreamPosition): boolean => {
  const mark = marks[shard];
  if (mark === undefined) return false;
  const [own, marked] = [BigInt(position.sequence), BigInt(mark.sequence)];
  return own < marked || (own === marked && position.index <= mark.index);
};

// The stream keeps a record 24 hours: what was marked longer ago can never be delivered again.
const markLifetimeMilliseconds = 48 * 3_600_000;

/** The marks after a further position, without shards that have been silent for two days. */
export const advanceMarks = (marks: FeedMarks, shard: string, position: StreamPosition, now: Date): FeedMarks => ({
  ...Object.fromEntries(Object.entries(marks).filter(([, mark]) => now.getTime() - mark.at < markLifetimeMilliseconds)),
  [shard]: { sequence: position.sequence, index: position.index, at: now.getTime() },
});
