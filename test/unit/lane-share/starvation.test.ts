import { describe, expect, it } from 'vitest';
import type { SharedLane } from '../../../shared/lane-share/lane-shares.ts';
import { type RecurringWork, SimulatedLane } from '../../support/simulated-lane.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const beginning = 1_800_000_000_000;

const createRandom = (seed: number) => {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 4_294_967_296;
  };
};

interface Lane {
  readonly lane: SharedLane;
  readonly concurrency: number;
  readonly batchSize: number;
  readonly timeoutSeconds: number;
}

const works = (organizationId: string, number: number, rest: Omit<RecurringWork, 'organizationId' | 'group'>) =>
  Array.from({ length: number }, (_, index) => ({ ...rest, organizationId, group: `${organizationId}-${index}` }));

/** The lanes as they are deployed by default, and how a large organization can hold on to their places. */
const lanes: readonly (Lane & { readonly flood: readonly RecurringWork[] })[] = [
  // 1,000 mailboxes at servers that let them in and then answer nothing.
  {
    lane: 'incoming',
    concurrency: 100,
    batchSize: 10,
    timeoutSeconds: 120,
    flood: works('flooding', 1_000, { everySeconds: 300, holdSeconds: 60, firstAtSeconds: 30 }),
  },
  // 500 mailboxes with more Sends than they can get rid of, each slice of which takes 30 s.
  {
    lane: 'outgoing',
    concurrency: 50,
    batchSize: 10,
    timeoutSeconds: 120,
    flood: works('flooding', 500, { everySeconds: 0, holdSeconds: 30, firstAtSeconds: 30 }),
  },
  // Tests of 500 mailboxes, each of which waits for a minute, and again.
  {
    lane: 'operations',
    concurrency: 10,
    batchSize: 10,
    timeoutSeconds: 300,
    flood: works('flooding', 500, { everySeconds: 0, holdSeconds: 60, firstAtSeconds: 30 }),
  },
  // As many webhooks as an organization may have, at endpoints that take 14 s for each of endlessly many events.
  {
    lane: 'webhooks',
    concurrency: 20,
    batchSize: 1,
    timeoutSeconds: 60,
    flood: works('flooding', 25, { everySeconds: 0, holdSeconds: 28, firstAtSeconds: 30 }),
  },
];

const other = works('other', 1, { everySeconds: 5, holdSeconds: 1, firstAtSeconds: 1 });

const latenessOf = (lateness: readonly number[]) => {
  const sorted = [...lateness].sort((one, another) => one - another);
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return { runs: sorted.length, p50: at(0.5), p99: at(0.99), max: at(1) };
};

const simulate = async (lane: Lane, sharePercent: number, flood: readonly RecurringWork[]) => {
  const clock = new VirtualClock(beginning);
  const simulated = new SimulatedLane(clock, { ...lane, sharePercent }, createRandom(7));
  simulated.start([...other, ...flood]);
  await clock.runUntil(beginning + 1_200_000);
  return {
    ...latenessOf(simulated.lateness.get('other') ?? []),
    flood: latenessOf(simulated.lateness.get('flooding') ?? []),
  };
};

const show = (title: string, { runs, p50, p99, max, flood }: Awaited<ReturnType<typeof simulate>>): void =>
  console.log(
    `${title}: ${runs} runs, late by p50 ${p50.toFixed(2)} s, p99 ${p99.toFixed(2)} s, max ${max.toFixed(2)} s; ` +
      `the flood ran ${flood.runs} times, late by p50 ${flood.p50.toFixed(1)} s`,
  );

describe.each(lanes)('a single mailbox beside an organization that floods the lane $lane', ({ flood, ...lane }) => {
  it('is served as if it were alone', async () => {
    const calm = await simulate(lane, 40, []);
    const flooded = await simulate(lane, 40, flood);
    const withoutShares = await simulate(lane, 100, flood);
    show(`${lane.lane}, calm`, calm);
    show(`${lane.lane}, flooded, shares of 40 %`, flooded);
    show(`${lane.lane}, flooded, no shares`, withoutShares);

    // What is waited for is the way through the queue, and refusals of those before it.
    expect(flooded.max).toBeLessThan(2);
    expect(flooded.runs).toBeGreaterThan(0.9 * calm.runs);
    // The flood is one: without shares it does what it is feared for.
    expect(withoutShares.max).toBeGreaterThan(10);
  });
});

const incoming: Lane = { lane: 'incoming', concurrency: 100, batchSize: 10, timeoutSeconds: 120 };

it('a single mailbox is served as if it were alone beside two organizations that flood the lane', async () => {
  const slow = { everySeconds: 300, holdSeconds: 60, firstAtSeconds: 30 };
  const flooded = await simulate(incoming, 40, [...works('flooding', 500, slow), ...works('second', 500, slow)]);
  show('two floods, shares of 40 %', flooded);

  expect(flooded.max).toBeLessThan(2);
});

it('an organization with much to do is not slowed while its servers are well', async () => {
  const small = { ...incoming, concurrency: 50 };
  const large = Array.from(
    { length: 2_000 },
    (_, index): RecurringWork => ({
      organizationId: 'flooding',
      group: `flooding-${index}`,
      everySeconds: 60,
      holdSeconds: 1,
      firstAtSeconds: (index * 60) / 2_000,
    }),
  );
  const shared = await simulate(small, 40, large);
  const withoutShares = await simulate(small, 100, large);
  show('large, shares of 40 %', shared);
  show('large, no shares', withoutShares);

  expect(shared.flood.runs).toBeGreaterThan(0.9 * withoutShares.flood.runs);
  expect(shared.p99).toBeLessThan(2);
});
