import * as z from 'zod';
import { systemAuthor } from '../platform/change.ts';
import { isExpiredItem } from '../platform/expiry.ts';
import { deriveIdentifier, fingerprint } from '../platform/identifier.ts';
import { canGoOnAfter } from '../platform/key-limits.ts';
import { partition, type RecordsTable, type StoredItem } from '../platform/records-table.ts';
import { refuseField } from '../platform/validate.ts';
import { subjectWithoutData } from './build-events.ts';
import { decodeFeedCursor, encodeFeedCursor, type FeedCursor } from './feed-cursor.ts';
import type { FeedEvent } from './feed-event.ts';
import { type PresentedSubject, presentSubject } from './present-subject.ts';
import { type FeedAnswer, readFeedHead } from './read-feed.ts';

/** What a snapshot shows, in the order of the walk: `kind` as stored, `subject` as events name it. */
const walk = [
  { kind: 'organization', subject: 'settings' },
  { kind: 'mailbox', subject: 'mailbox' },
  { kind: 'record', subject: 'record' },
  { kind: 'email', subject: 'email' },
  { kind: 'alert', subject: 'alert' },
] as const;

/** How far a walk has come. */
const placeSchema = z.object({
  /** The end of the feed before the walk began: what is changed during the walk comes after it. */
  feed: z.string(),
  /** Fingerprint of the filters that the walk began with. */
  filters: z.string(),
  kind: z.int().min(0).max(walk.length),
  /** The last item shown of that kind. */
  after: z
    .string()
    .refine((sk) => canGoOnAfter(sk, {}))
    .nullable(),
});
type Place = z.output<typeof placeSchema>;

const answerBytes = 4 * 1024 * 1024;
// Of a large organization a user may own little: a page is given up after so many items, with a cursor to go on.
const scannedPerAnswer = 2_000;
const scannedAtOnce = 100;

const encodePlace = (place: Place): string => Buffer.from(JSON.stringify(place)).toString('base64url');

const decodePlace = (text: string, filters: string): Place => {
  const refuse = (detail: string) => refuseField('#/query/cursor', 'invalidCursor', detail);
  let place: Place;
  try {
    place = placeSchema.parse(JSON.parse(Buffer.from(text, 'base64url').toString('utf8')));
  } catch {
    throw refuse('The cursor is not one that the snapshot gave out');
  }
  if (decodeFeedCursor(place.feed) === undefined) throw refuse('The cursor is not one that the snapshot gave out');
  if (place.filters !== filters) throw refuse('The cursor belongs to other types');
  return place;
};

// A consumer of email.tracked needs the emails there are: a filter counts for its subject.
const wants = (types: readonly string[] | undefined, subject: string): boolean =>
  types === undefined || types.some((type) => type.startsWith(`${subject}.`));

const present = (kind: string, type: string, entity: unknown): PresentedSubject => {
  try {
    return presentSubject(kind, type, entity);
  } catch {
    return subjectWithoutData(kind, entity);
  }
};

const updatedAtSchema = z.object({ updatedAt: z.iso.datetime() });

const toEvent = (item: StoredItem, kind: string, type: string, feed: FeedCursor): FeedEvent => {
  const presented = present(kind, type, item['entity']);
  const times = updatedAtSchema.safeParse(item['entity']);
  const at = times.success ? times.data.updatedAt : new Date(0).toISOString();
  return {
    id: deriveIdentifier('evt', Date.parse(at), `${type}#${presented.subject.id}#${presented.version}`),
    sequence: feed.sequence,
    type,
    at,
    ...systemAuthor,
    ...presented,
  };
};

/**
 * One page of the present state of an organization, as events `<subject>.snapshot`. The last page (`hasMore` false)
 * gives the cursor of the feed from before the walk began. What changes during the walk is shown by the walk, by the
 * feed from that cursor, or by both, but never by neither; `version` tells which is newer.
 *
 * @throws FaultError invalidRequest when the cursor is not of this walk
 */
export const readSnapshot = async (
  table: RecordsTable,
  organizationId: string,
  query: {
    readonly cursor?: string | undefined;
    readonly limit: number;
    readonly types?: readonly string[] | undefined;
    /** What else an event must be to be shown. */
    readonly matches?: ((event: FeedEvent) => boolean) | undefined;
  },
  now: Date,
): Promise<FeedAnswer> => {
  const { types } = query;
  const filters = fingerprint(organizationId, ...(types ?? []));
  const start = async (): Promise<Place> => ({
    feed: encodeFeedCursor(await readFeedHead(table, organizationId)),
    filters,
    kind: 0,
    after: null,
  });
  let place = query.cursor === undefined ? await start() : decodePlace(query.cursor, filters);
  const feed = decodeFeedCursor(place.feed) ?? { epoch: '0', sequence: 0 };
  const data: FeedEvent[] = [];
  let bytes = 0;
  let scanned = 0;
  for (let step = walk[place.kind]; step !== undefined; step = walk[place.kind]) {
    const { kind, subject } = step;
    const pk = partition(organizationId, kind);
    while (wants(types, subject)) {
      const { items, after } = await table.query({
        pk,
        limit: query.matches === undefined ? query.limit - data.length : scannedAtOnce,
        ...(place.after === null ? {} : { after: { pk, sk: place.after } }),
      });
      for (const item of items) {
        if (data.length === query.limit) return { data, nextCursor: encodePlace(place), hasMore: true };
        if (!isExpiredItem(item, now)) {
          const event = toEvent(item, kind, `${subject}.snapshot`, feed);
          if (query.matches?.(event) ?? true) {
            bytes += Buffer.byteLength(JSON.stringify(event));
            if (data.length > 0 && bytes > answerBytes) return { data, nextCursor: encodePlace(place), hasMore: true };
            data.push(event);
          }
        }
        place = { ...place, after: item.sk };
      }
      if (after === undefined) break;
      scanned += items.length;
      if (data.length === query.limit || scanned >= scannedPerAnswer)
        return { data, nextCursor: encodePlace(place), hasMore: true };
    }
    place = { ...place, kind: place.kind + 1, after: null };
    if (data.length === query.limit && place.kind < walk.length)
      return { data, nextCursor: encodePlace(place), hasMore: true };
  }
  return { data, nextCursor: place.feed, hasMore: false };
};
