import { describe, expect, it } from 'vitest';
import type { ServerProfile } from '../../../shared/server-profile/server-profile.ts';
import { changeLayout, initialLayout, layoutAt } from '../../../shared/throttle/throttle-layout.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';
import { ContendedServer, type Load } from './contended-server.ts';

const beginning = 1_800_000_000_000;
const lanes = ['incoming', 'outgoing'] as const;

/** A run that read the profile just before it was changed may still enter by the limit that it read. */
const replicaMilliseconds = 1_000;

const createRandom = (seed: number) => {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 4_294_967_296;
  };
};

/** The limit from a second of the test on; the first is at 0. */
type Limits = readonly (readonly [second: number, connections: number])[];

const simulate = async (
  load: Load,
  limits: Limits,
  seconds: number,
  seed: number,
  begin: (server: ContendedServer) => Promise<void> = async () => undefined,
) => {
  const clock = new VirtualClock(beginning);
  const [[, first] = [0, 1], ...changes] = limits;
  const profile = {
    id: 'prf_1',
    version: 1,
    incoming: { host: 'imap.example.test' },
    outgoing: { host: 'smtp.example.test' },
    maxConnections: first,
    minPollingMinutes: 0,
    throttle: initialLayout(first),
  } as ServerProfile;
  const server = new ContendedServer(clock, profile, load, createRandom(seed));
  server.start();
  void begin(server);
  for (const [second, maxConnections] of changes) {
    await clock.runUntil(beginning + second * 1000);
    const throttle = changeLayout(server.profile, maxConnections, new Date(clock.now()));
    server.profile = { ...server.profile, maxConnections, throttle };
  }
  await clock.runUntil(beginning + seconds * 1000);
  const limitAt = (at: number): number =>
    limits.reduce((limit, [second, connections]) => (at > beginning + second * 1000 ? connections : limit), first);
  const aboveLimit = server.entries.filter(
    ({ at, open }) => open > Math.max(limitAt(at), limitAt(at - replicaMilliseconds)),
  );
  return { server, entries: server.entries, aboveLimit };
};

type Entries = Awaited<ReturnType<typeof simulate>>['entries'];

const waitingSeconds = (entries: Entries, lane: (typeof lanes)[number]) => {
  const sorted = entries
    .filter((entry) => entry.lane === lane)
    .map(({ waitedMilliseconds }) => waitedMilliseconds / 1000)
    .sort((one, other) => one - other);
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return { runs: sorted.length, p50: at(0.5), p99: at(0.99), max: at(1) };
};

const show = (title: string, entries: Entries): void => {
  for (const lane of lanes) {
    const { runs, ...times } = waitingSeconds(entries, lane);
    if (runs === 0) continue;
    const seconds = Object.entries(times).map(([name, value]) => `${name} ${value.toFixed(1)} s`);
    console.log(`${title}: ${lane}, ${runs} runs waited ${seconds.join(', ')}`);
  }
};

const mailboxesOf = (entries: Entries, lane: (typeof lanes)[number]): number =>
  new Set(entries.filter((entry) => entry.lane === lane).map(({ mailboxId }) => mailboxId)).size;

const highestBetween = (entries: Entries, from: number, until: number): number =>
  Math.max(
    ...entries.flatMap(({ at, open }) => (at > beginning + from * 1000 && at < beginning + until * 1000 ? [open] : [])),
  );

const tenMinutes = 600;
/** Four connections are needed on the mean, to read each mailbox once a minute and send an email of each. */
const hundred: Load = {
  mailboxes: 100,
  readEverySeconds: 60,
  sendEverySeconds: 60,
  readSeconds: 2,
  sendSeconds: 0.5,
};

describe('100 mailboxes on a server that takes 5 connections, for ten minutes', () => {
  it.each([1, 2, 3])('never hold more, and each is read and sends in time (seed %i)', async (seed) => {
    const { entries, aboveLimit } = await simulate(hundred, [[0, 5]], tenMinutes, seed);
    show('5 connections', entries);

    expect(aboveLimit).toEqual([]);
    expect(highestBetween(entries, 0, tenMinutes)).toBe(5);
    for (const lane of lanes) expect(mailboxesOf(entries, lane)).toBe(100);
    const [reading, sending] = lanes.map((lane) => waitingSeconds(entries, lane));
    // All begin at the same moment and are read one after the other: 100 × 2 s at 4 places.
    expect(reading?.max).toBeLessThan(90);
    expect(sending?.p99).toBeLessThan(5);
    expect(sending?.max).toBeLessThan(10);
  });

  it.each([1, 2, 3])('send all the same when twice as much is to be read as is possible (seed %i)', async (seed) => {
    const { server, entries, aboveLimit } = await simulate({ ...hundred, readSeconds: 8 }, [[0, 5]], tenMinutes, seed);
    show('5 connections, overloaded', entries);

    expect(aboveLimit).toEqual([]);
    for (const lane of lanes) expect(mailboxesOf(entries, lane)).toBe(100);
    const sending = waitingSeconds(entries, 'outgoing');
    expect(sending.p50).toBeLessThan(10);
    expect(sending.max).toBeLessThan(60);
    // A reading takes 8 s and there are 4 places, so that a round of all takes 200 s.
    expect(waitingSeconds(entries, 'incoming').max).toBeLessThan(tenMinutes);
    expect(Math.max(...server.waiting())).toBeLessThan(tenMinutes * 1000);
  });

  it.each([1, 2, 3])('obey when the limit is lowered to 3 and raised to 8 meanwhile (seed %i)', async (seed) => {
    const limits = [
      [0, 5],
      [200, 3],
      [400, 8],
    ] as const;
    const { entries, aboveLimit } = await simulate(hundred, limits, tenMinutes, seed);
    show('5, 3, then 8 connections', entries);

    expect(aboveLimit).toEqual([]);
    expect(highestBetween(entries, 0, 200)).toBe(5);
    expect(highestBetween(entries, 210, 400)).toBe(3);
    expect(highestBetween(entries, 401, tenMinutes)).toBe(8);
    for (const lane of lanes) expect(mailboxesOf(entries, lane)).toBe(100);
    expect(waitingSeconds(entries, 'outgoing').max).toBeLessThan(30);
    expect(waitingSeconds(entries, 'incoming').max).toBeLessThan(240);
  });
});

describe('100 mailboxes that need more connections than the server takes, for hours', () => {
  const crowded: Load = { ...hundred, readEverySeconds: 300, sendEverySeconds: 300, readSeconds: 8 };
  const hour = 3_600;

  it('are read less often, and people are told how many it takes, until it takes as many', async () => {
    const limits = [
      [0, 3],
      [3 * hour, 6],
    ] as const;
    const { server, entries, aboveLimit } = await simulate(crowded, limits, 5 * hour, 1);
    const told = server.reports.map(({ at, report }) => ({ ...report, second: (at - beginning) / 1000 }));
    const readingsBetween = (from: number, until: number) =>
      entries.filter(
        ({ lane, at }) => lane === 'incoming' && at > beginning + from * 1000 && at < beginning + until * 1000,
      );
    show('crowded, intervals as set', readingsBetween(300, 900));
    show('crowded, intervals stretched', readingsBetween(2 * hour, 3 * hour));
    show('with twice the connections', readingsBetween(4 * hour, 5 * hour));
    const [first] = told;
    const relieved = told.filter(({ type }) => type === 'profileRelieved');

    expect(aboveLimit).toEqual([]);
    expect(first).toMatchObject({ type: 'profileCrowded', fault: { code: 'serverCrowded' } });
    expect(first?.second).toBeGreaterThan(hour / 2);
    expect(first?.second).toBeLessThan(hour);
    expect(Number(/maxConnections to (\d+)/.exec(JSON.stringify(first))?.[1])).toBeOneOf([5, 6, 7]);
    expect(relieved).toHaveLength(1);
    expect(told.at(-1)).toMatchObject({ type: 'profileRelieved' });
    expect(relieved[0]?.second).toBeLessThan(3.5 * hour);
    const p50 = (from: number, until: number) => waitingSeconds(readingsBetween(from, until), 'incoming').p50;
    expect(p50(2 * hour, 3 * hour)).toBeLessThan(p50(300, 900) / 2);
    // 100 readings in 300 s, the jitter of 15 s, the timers' lateness of 30 s and the 8 s of a reading: as set, and not stretched any more.
    expect(readingsBetween(4 * hour, 5 * hour).length).toBeGreaterThan((100 * hour) / 360);
  });
});

describe('a burst of 10,000 Sends of one mailbox', () => {
  const load: Load = {
    mailboxes: 30,
    readEverySeconds: 300,
    sendEverySeconds: 120,
    readSeconds: 1,
    sendSeconds: 0.06,
    emailsPerSlice: 50,
  };
  const bursting = 'mbx_0';
  const afterBeginning = beginning + 5_000;

  it.each([
    [2, 1, 1],
    [2, 2, 1],
    [3, 1, 1],
    [10, 1, 1],
    // Who waits for the only connection asks again every few seconds, in no order among all who wait.
    [1, 1, 3],
    [1, 2, 3],
    [1, 3, 3],
  ])(
    'delays Sends of others by one slice at most; where the server takes but one connection, by few (%i connections, seed %i)',
    async (connections, seed, most) => {
      const { entries, aboveLimit } = await simulate(load, [[0, connections]], tenMinutes, seed, (server) =>
        server.burst(bursting, 10_000),
      );
      const slices = entries.filter(({ mailboxId, lane }) => mailboxId === bursting && lane === 'outgoing');
      const others = entries.filter(
        ({ mailboxId, lane, at, waitedMilliseconds }) =>
          mailboxId !== bursting && lane === 'outgoing' && at - waitedMilliseconds > afterBeginning,
      );
      const slicesBefore = others.map(
        ({ at, waitedMilliseconds }) =>
          slices.filter((slice) => slice.at > at - waitedMilliseconds && slice.at < at).length,
      );

      expect(aboveLimit).toEqual([]);
      expect(slices.length).toBeGreaterThan(50);
      expect(others.length).toBeGreaterThan(50);
      expect(Math.max(...slicesBefore)).toBeLessThanOrEqual(most);
    },
  );
});

describe('1,000 mailboxes on a server that takes 120 connections', () => {
  const thousand: Load = { ...hundred, mailboxes: 1000, readSeconds: 4 };

  it('never hold more while the counter is laid out anew, from 60 to 120 and to 40', async () => {
    const limits = [
      [0, 60],
      [60, 120],
      [1200, 40],
    ] as const;
    const { server, entries, aboveLimit } = await simulate(thousand, limits, 1500, 1);
    show('1,000 mailboxes', entries);

    expect(aboveLimit).toEqual([]);
    expect(highestBetween(entries, 0, 60)).toBe(60);
    // At once with the two shards of before, and after the change-over with three.
    expect(highestBetween(entries, 61, 1000)).toBeGreaterThan(90);
    expect(layoutAt(server.profile.throttle, beginning + 1_100_000).shards).toBe(3);
    expect(highestBetween(entries, 1100, 1200)).toBeGreaterThan(50);
    expect(highestBetween(entries, 1260, 1500)).toBe(40);
    for (const lane of lanes) expect(mailboxesOf(entries, lane)).toBe(1000);
    expect(waitingSeconds(entries, 'outgoing').max).toBeLessThan(60);
  });
});
