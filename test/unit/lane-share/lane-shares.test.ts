import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createLaneShares, type SharePlace, waitForShare } from '../../../shared/lane-share/lane-shares.ts';
import { placesOfShare, type SharePlaces } from '../../../shared/lane-share/share-limits.ts';
import { leaseMarginMilliseconds } from '../../../shared/throttle/lease-margin.ts';
import { createThrottleOver } from '../../../shared/throttle/throttle.ts';
import { createMemoryThrottle } from '../../support/memory-throttle.ts';

const invocationMilliseconds = 120_000;

/** A lane's shares on a clock of the test's own. */
const createWorld = (places: SharePlaces | undefined) => {
  let now = 1_800_000_000_000;
  const items = createMemoryThrottle();
  const shares = createLaneShares({
    lane: 'incoming',
    limits: { placesOf: async () => places },
    throttle: createThrottleOver(
      { ...items, change: async (key, change) => structuredClone(await items.change(key, change)) },
      () => now,
    ),
    now: () => now,
  });
  return {
    items,
    now: () => now,
    advance: (milliseconds: number) => {
      now += milliseconds;
    },
    enter: (organizationId: string, hasTicket = true) =>
      shares.enter({ organizationId, endsAt: now + invocationMilliseconds, hasTicket }),
  };
};

type Step =
  | { readonly kind: 'enter'; readonly organization: number; readonly hasTicket: boolean }
  | { readonly kind: 'leave' | 'die'; readonly which: number }
  | { readonly kind: 'wait'; readonly milliseconds: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ kind: fc.constant('enter' as const), organization: fc.nat(2), hasTicket: fc.boolean() }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('leave' as const), which: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('die' as const), which: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('wait' as const), milliseconds: fc.nat(150_000) }) },
);

describe('the share of a lane that an organization has', () => {
  it('is never passed, whoever dies, and everything that a dead invocation held comes back', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 5 }), fc.array(step, { maxLength: 80 }), async (places, steps) => {
        const world = createWorld({ share: places, most: places + 2 });
        let held: { organization: number; place: SharePlace; endsAt: number }[] = [];
        const heldBy = (organization: number) => held.filter((one) => one.organization === organization).length;

        for (const one of steps) {
          if (one.kind === 'wait') {
            world.advance(one.milliseconds);
            // Lambda stops what is not over by then.
            held = held.filter(({ endsAt }) => endsAt > world.now());
          } else if (one.kind === 'enter') {
            const answer = await world.enter(String(one.organization), one.hasTicket);
            if ('until' in answer) {
              expect(answer.until).toBeGreaterThan(world.now());
              continue;
            }
            held.push({ organization: one.organization, place: answer, endsAt: world.now() + invocationMilliseconds });
            expect(heldBy(one.organization)).toBeLessThanOrEqual(places + 2);
          } else if (held.length > 0) {
            const [gone] = held.splice(one.which % held.length, 1);
            if (one.kind === 'leave') await gone?.place.leave();
          }
        }

        world.advance(invocationMilliseconds + leaseMarginMilliseconds);
        for (const organization of ['0', '1', '2'])
          for (let number = 0; number < places; number += 1)
            expect(await world.enter(organization)).not.toHaveProperty('until');
      }),
      { numRuns: 300 },
    );
  });

  it('is refused to nobody for what others hold', async () => {
    const world = createWorld({ share: 3, most: 3 });
    for (let number = 0; number < 10; number += 1) await world.enter('flooding');

    expect(await world.enter('flooding')).toHaveProperty('until');
    expect(await world.enter('other', false)).not.toHaveProperty('until');
  });

  it('is larger for those whose places come free within seconds, and falls back when they do not', async () => {
    const world = createWorld({ share: 2, most: 5 });
    const holdFor = async (milliseconds: number): Promise<number> => {
      const places: SharePlace[] = [];
      for (let number = 0; number < 6; number += 1) {
        const answer = await world.enter('large');
        if (!('until' in answer)) places.push(answer);
      }
      world.advance(milliseconds);
      for (const place of places) await place.leave();
      return places.length;
    };

    const brisk = [await holdFor(1_000), await holdFor(1_000)];
    await holdFor(60_000);
    const slow = await holdFor(1_000);
    for (let round = 0; round < 10; round += 1) await holdFor(1_000);
    const briskAgain = await holdFor(1_000);

    expect(brisk.at(-1)).toBe(5);
    expect(slow).toBe(2);
    expect(briskAgain).toBe(5);
  });

  it('costs nothing where there is nothing to be counted', async () => {
    const world = createWorld(undefined);
    const answer = await world.enter('alone');
    if (!('until' in answer)) await answer.leave();

    expect(world.items.items.size).toBe(0);
  });

  it('is told to be too small after half an hour, and to suffice when it does', async () => {
    const world = createWorld({ share: 1, most: 1 });
    const shortages: (string | undefined)[] = [];
    const hold = async (busyMilliseconds: number, idleMilliseconds: number) => {
      const answer = await world.enter('busy');
      if ('until' in answer) throw new Error('refused');
      world.advance(busyMilliseconds);
      if (answer.shortage !== undefined) shortages.push(answer.shortage.state);
      await answer.leave();
      world.advance(idleMilliseconds);
    };

    for (let minute = 0; minute < 60; minute += 1) await hold(59_000, 1_000);
    const whileBusy = [...shortages];
    for (let minute = 0; minute < 120; minute += 1) await hold(1_000, 59_000);

    expect(whileBusy.length).toBeGreaterThanOrEqual(2);
    expect(new Set(whileBusy)).toEqual(new Set(['lasting']));
    expect(shortages.at(-1)).toBe('over');
    expect(shortages.filter((state) => state === 'over')).toHaveLength(1);
  });

  it('is at least one place, and all of the lane only where the operator says so', () => {
    expect([placesOfShare(100, 40), placesOfShare(10, 25), placesOfShare(2, 10)]).toEqual([
      { share: 40, most: 90 },
      { share: 2, most: 9 },
      { share: 1, most: 1 },
    ]);
    expect(placesOfShare(100, 100)).toBeUndefined();
  });
});

describe('a message whose organization has no place free', () => {
  const record = { messageId: 'm1', receiptHandle: 'h1', group: 'mbx_1', body: '{"organizationId":"org_1"}' };

  it('waits for seconds and never for longer than two minutes', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: -10_000, max: 10_000_000 }),
        fc.double({ min: 0, max: 0.99, noNaN: true }),
        async (wait, random) => {
          const queues = { send: async () => Promise.reject(new Error('nothing is to be sent')) };
          const verdict = await waitForShare(
            queues,
            'incoming',
            { ...record, receiveCount: 1 },
            { until: wait, now: 0, random },
          );

          expect(verdict.done ? 0 : verdict.waitSeconds).toBeGreaterThanOrEqual(3);
          expect(verdict.done ? 0 : verdict.waitSeconds).toBeLessThanOrEqual(120);
        },
      ),
    );
  });

  it('goes on as a fresh one before the queue gives it up', async () => {
    const sent: unknown[][] = [];
    const queues = { send: async (...given: unknown[]) => void sent.push(given) };

    const verdict = await waitForShare(
      queues,
      'incoming',
      { ...record, receiveCount: 40 },
      { until: 9_000, now: 0, random: 0 },
    );

    expect(verdict).toMatchObject({ done: true, outcome: 'waitsForShare' });
    expect(sent).toEqual([['incoming', 'mbx_1', 'm1.again', { organizationId: 'org_1' }]]);
  });
});
