import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { appendEvents, type FeedPages, type PositionedEvent } from '../../../shared/feed/append-events.ts';
import type { FeedEvent } from '../../../shared/feed/feed-event.ts';
import { endOf, type FeedPage, type FeedTail } from '../../../shared/feed/feed-page.ts';

const organizationId = 'org_1';
const now = new Date('2026-11-20T12:00:00.000Z');
const expiresAt = now.getTime() / 1000 + 86_400;

/** A feed in memory, as strict as the table: a page is only put where nothing stands. */
const createMemoryPages = () => {
  const stored = new Map<number, FeedPage>();
  let head: FeedTail = { next: 1, marks: {} };
  const pages: FeedPages = {
    loadTail: async () => {
      const newest = [...stored.values()].sort((one, other) => other.first - one.first)[0];
      const tail =
        newest !== undefined && endOf(newest) >= head.next ? { next: endOf(newest) + 1, marks: newest.marks } : head;
      return { tail, savedNext: head.next };
    },
    putPage: async (_, page) => {
      if (stored.has(page.first)) return false;
      stored.set(page.first, page);
      return true;
    },
    saveHead: async (_, tail) => {
      if (tail.next > head.next) head = tail;
    },
  };
  const all = (): readonly FeedPage[] => [...stored.values()].sort((one, other) => one.first - other.first);
  return {
    pages,
    all,
    events: (): readonly FeedEvent[] => all().flatMap((page) => page.events),
    expire: () => stored.clear(),
  };
};

const eventOf = (id: string, sequence: number, index = 0, text = ''): PositionedEvent => ({
  // Longer than 2^53, as the stream's numbers are.
  position: { sequence: String(100_000_000_000_000_000_000n + BigInt(sequence)), index },
  event: {
    id,
    type: 'record.updated',
    at: now.toISOString(),
    origin: 'crm',
    actor: { type: 'key', id: 'key_1' },
    subject: { type: 'record', id: 'rec_1' },
    version: sequence,
    data: { text },
  },
});

const deliveryOf = (events: readonly PositionedEvent[], shard = 'shard') => ({
  organizationId,
  shard,
  events,
  expiresAt,
  now,
  pageBytes: 700,
});

describe('appending to the feed', () => {
  it('numbers events from 1 and puts as many on a page as fit', async () => {
    const feed = createMemoryPages();
    const events = Array.from({ length: 10 }, (_, index) => eventOf(`evt_${index}`, index + 1));

    await appendEvents(feed.pages, new Map(), deliveryOf(events));

    expect(feed.events().map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(feed.all().length).toBeLessThan(10);
    expect(feed.all().length).toBeGreaterThan(1);
  });

  it('gives an event that is larger than a page a page of its own', async () => {
    const feed = createMemoryPages();
    const events = [eventOf('small', 1), eventOf('large', 2, 0, 'x'.repeat(5_000)), eventOf('next', 3)];

    await appendEvents(feed.pages, new Map(), deliveryOf(events));

    expect(feed.all().map((page) => page.events.map(({ id }) => id))).toEqual([['small'], ['large'], ['next']]);
  });

  it('recognises what it has, down to one change among several of a record', async () => {
    const feed = createMemoryPages();
    const both = [eventOf('first', 7, 0), eventOf('second', 7, 1)];
    const [first] = both;

    await appendEvents(feed.pages, new Map(), deliveryOf(first === undefined ? [] : [first]));
    await appendEvents(feed.pages, new Map(), deliveryOf(both));

    expect(feed.events().map(({ id }) => id)).toEqual(['first', 'second']);
  });

  it('goes on counting after every page has expired', async () => {
    const feed = createMemoryPages();
    await appendEvents(feed.pages, new Map(), deliveryOf([eventOf('old', 1)]));
    feed.expire();

    await appendEvents(feed.pages, new Map(), deliveryOf([eventOf('new', 2)]));

    expect(feed.events()).toMatchObject([{ id: 'new', sequence: 2 }]);
  });

  it('makes a head good that its writer could not save any more', async () => {
    const feed = createMemoryPages();
    const dying = { ...feed.pages, saveHead: () => Promise.reject(new Error('ended')) };
    await expect(appendEvents(dying, new Map(), deliveryOf([eventOf('old', 1)]))).rejects.toThrow('ended');

    await appendEvents(feed.pages, new Map(), deliveryOf([eventOf('old', 1)]));
    feed.expire();
    await appendEvents(feed.pages, new Map(), deliveryOf([eventOf('new', 2)]));

    expect(feed.events()).toMatchObject([{ id: 'new', sequence: 2 }]);
  });
});

type Fate = 'works' | 'fails' | 'answerIsLost';

/** The same pages over a network: every call comes when the scheduler says so, may fail, or work and lose its answer. */
const overNetwork = (pages: FeedPages, scheduler: fc.Scheduler, nextFate: () => Fate): FeedPages => {
  const call = async <Answer>(work: () => Promise<Answer>): Promise<Answer> => {
    const fate = nextFate();
    await scheduler.schedule(Promise.resolve());
    if (fate === 'fails') throw new Error('failed');
    const answer = await work();
    await scheduler.schedule(Promise.resolve());
    if (fate === 'answerIsLost') throw new Error('answer lost');
    return answer;
  };
  return {
    loadTail: (organization) => call(() => pages.loadTail(organization)),
    putPage: (organization, page) => call(() => pages.putPage(organization, page)),
    saveHead: (organization, tail) => call(() => pages.saveHead(organization, tail)),
  };
};

describe('racing readers of the stream', () => {
  it('leave no hole, no double and no disorder, whatever fails and whoever is late', async () => {
    const fates = fc.infiniteStream(
      fc.oneof(
        { weight: 6, arbitrary: fc.constant<Fate>('works') },
        { weight: 1, arbitrary: fc.constant<Fate>('fails') },
        { weight: 1, arbitrary: fc.constant<Fate>('answerIsLost') },
      ),
    );
    // Per shard a list of batches; per batch its number of events and how many further readers get it, too.
    const shards = fc.array(
      fc.array(fc.record({ events: fc.integer({ min: 1, max: 6 }), doubles: fc.integer({ min: 0, max: 2 }) }), {
        minLength: 1,
        maxLength: 4,
      }),
      { minLength: 1, maxLength: 3 },
    );

    await fc.assert(
      fc.asyncProperty(fc.scheduler(), fates, shards, async (scheduler, fateStream, plan) => {
        const feed = createMemoryPages();
        const nextFate = () => fateStream.next().value;
        const network = overNetwork(feed.pages, scheduler, nextFate);
        // Warm functions that the deliveries come to by turns, each with its own idea of the tail.
        const memories = [new Map(), new Map(), new Map()];
        let turn = 0;
        const nextMemory = () => memories[turn++ % memories.length] ?? new Map();
        const late: Promise<unknown>[] = [];

        const deliver = async (shard: string, events: readonly PositionedEvent[]): Promise<void> => {
          for (;;) {
            try {
              await appendEvents(network, nextMemory(), deliveryOf(events, shard));
              return;
            } catch {
              // The stream delivers a failed batch again, before any later one.
            }
          }
        };
        const expected = plan.map((batches, shardIndex) => {
          let sequence = 0;
          return batches.map(({ events }) =>
            Array.from({ length: events }, () => {
              sequence += 1;
              return eventOf(`evt_${shardIndex}_${sequence}`, Math.ceil(sequence / 2), sequence % 2 === 0 ? 1 : 0);
            }),
          );
        });
        const readers = plan.map(async (batches, shardIndex) => {
          const shard = `shard-${shardIndex}`;
          for (const [batchIndex, { doubles }] of batches.entries()) {
            const events = expected[shardIndex]?.[batchIndex] ?? [];
            for (let double = 0; double < doubles; double += 1)
              late.push(appendEvents(network, nextMemory(), deliveryOf(events, shard)).catch(() => undefined));
            await deliver(shard, events);
          }
        });
        const finished = Promise.all(readers).then(() => Promise.all(late));
        await scheduler.waitFor(finished);

        const events = feed.events();
        expect(events.map(({ sequence }) => sequence)).toEqual(events.map((_, index) => index + 1));
        for (const [shardIndex, batches] of expected.entries())
          expect(events.map(({ id }) => id).filter((id) => id.startsWith(`evt_${shardIndex}_`))).toEqual(
            batches.flat().map(({ event }) => event.id),
          );
      }),
      { numRuns: 150 },
    );
  });
});
