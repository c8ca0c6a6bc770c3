import type { FeedEvent, UnplacedEvent } from './feed-event.ts';
import { advanceMarks, type FeedPage, type FeedTail, isMarked, type StreamPosition } from './feed-page.ts';
import { addToTally, emptyTally } from './feed-tally.ts';

/** Pages of the feed, wherever they are stored. All reads are strongly consistent. */
export interface FeedPages {
  /** The tail, and the `next` that the head item says (behind the tail when its writer ended too early). */
  loadTail(organizationId: string): Promise<{ readonly tail: FeedTail; readonly savedNext: number }>;
  /** Only if nothing stands at `page.first`; false when something does. */
  putPage(organizationId: string, page: FeedPage): Promise<boolean>;
  /** Keeps the tail beyond the life of its pages; never moves it backwards. */
  saveHead(organizationId: string, tail: FeedTail): Promise<void>;
}

export interface PositionedEvent {
  readonly position: StreamPosition;
  readonly event: UnplacedEvent;
}

interface KnownTail {
  readonly tail: FeedTail;
  readonly savedNext: number;
  readonly at: number;
}

/** What a warm function remembers of the tails; a wrong memory costs a refused write and nothing else. */
export type TailMemory = Map<string, KnownTail>;

export const feedPageBytes = 48 * 1024;

// Far below the life of a page: a remembered tail whose page had expired would be written a second time.
const memoryMilliseconds = 600_000;
const memoryEntries = 2_000;

const fillPage = (tail: FeedTail, pending: readonly PositionedEvent[], pageBytes: number): PositionedEvent[] => {
  const taken: PositionedEvent[] = [];
  let bytes = 0;
  for (const entry of pending) {
    bytes += Buffer.byteLength(JSON.stringify({ ...entry.event, sequence: tail.next + taken.length })) + 1;
    if (taken.length > 0 && bytes > pageBytes) break;
    taken.push(entry);
  }
  return taken;
};

const place = (event: UnplacedEvent, sequence: number): FeedEvent => {
  const { id, ...rest } = event;
  return { id, sequence, ...rest };
};

/**
 * Appends what one delivery of one shard brought for one organization, in its order. May be called again with the same
 * events, by several readers at once, and may end anywhere: what is in the feed already is recognised by the marks of
 * the page before, and a page is only ever put where the one before it ends. Returns the last sequence of the feed.
 */
export const appendEvents = async (
  pages: FeedPages,
  memory: TailMemory,
  delivery: {
    readonly organizationId: string;
    readonly shard: string;
    readonly events: readonly PositionedEvent[];
    /** Epoch seconds at which the pages may go. */
    readonly expiresAt: number;
    readonly now: Date;
    readonly pageBytes?: number;
  },
): Promise<number> => {
  const { organizationId, shard, now } = delivery;
  const remember = (known: Omit<KnownTail, 'at'>, at: number): KnownTail => {
    if (memory.size >= memoryEntries) memory.clear();
    const entry = { ...known, at };
    memory.set(organizationId, entry);
    return entry;
  };
  const load = async (): Promise<KnownTail> => remember(await pages.loadTail(organizationId), now.getTime());

  const remembered = memory.get(organizationId);
  let known =
    remembered !== undefined && now.getTime() - remembered.at < memoryMilliseconds ? remembered : await load();
  for (;;) {
    const { tail } = known;
    const pending = delivery.events.filter(({ position }) => !isMarked(tail.marks, shard, position));
    const taken = fillPage(tail, pending, delivery.pageBytes ?? feedPageBytes);
    const last = taken.at(-1);
    if (last === undefined) break;
    const marks = advanceMarks(tail.marks, shard, last.position, now);
    const tally = addToTally(
      tail.tally ?? emptyTally,
      taken.map(({ event }) => event),
    );
    const events = taken.map(({ event }, index) => place(event, tail.next + index));
    const stored = await pages.putPage(organizationId, {
      first: tail.next,
      events,
      marks,
      tally,
      expiresAt: delivery.expiresAt,
    });
    // Refused: another reader was first, perhaps with these very events, or an answer to us was lost.
    known = stored
      ? remember({ tail: { next: tail.next + events.length, marks, tally }, savedNext: known.savedNext }, known.at)
      : await load();
  }
  if (known.savedNext < known.tail.next) {
    await pages.saveHead(organizationId, known.tail);
    remember({ tail: known.tail, savedNext: known.tail.next }, known.at);
  }
  return known.tail.next - 1;
};
