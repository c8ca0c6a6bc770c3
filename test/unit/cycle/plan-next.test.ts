import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Cycle } from '../../../shared/cycle/cycle.ts';
import type { CycleLimit } from '../../../shared/cycle/cycle-budget.ts';
import { type CycleResult, type PlanInput, planNext } from '../../../shared/cycle/plan-next.ts';
import { nextDelaySeconds } from '../../../shared/cycle/schedule-policy.ts';
import { createFault } from '../../../shared/platform/fault.ts';
import { defaultSettings } from '../../support/default-settings.ts';
import { storedCycle } from '../../support/stored-cycle.ts';

const now = Date.parse('2026-11-20T12:00:00.000Z');

const cycle = (changes: Partial<Cycle> = {}): Cycle => storedCycle({ due: now, ...changes });

const completed = (
  changes: { seen?: number; more?: boolean; limit?: CycleLimit; nextDue?: number | null; stretch?: number } = {},
): CycleResult => {
  const { seen = 0, more = false, stretch = 1, ...rest } = changes;
  return {
    kind: 'completed',
    stretch,
    outcome: { counts: { seen, tracked: 0, skipped: seen, failed: 0 }, more, backlog: 0, ...rest },
  };
};

const failed = (changes: Partial<Extract<CycleResult, { kind: 'failed' }>> = {}): CycleResult => ({
  kind: 'failed',
  class: 'transient',
  level: 'mailbox',
  fault: createFault('serverError'),
  ...changes,
});

const plan = (input: Partial<PlanInput>) =>
  planNext({
    cycle: cycle(),
    result: completed(),
    settings: defaultSettings,
    minPollingMinutes: 0,
    credentialWorked: true,
    faultShown: false,
    now,
    random: 0,
    ...input,
  });

const secondsUntil = (due: number | null): number | null => (due === null ? null : (due - now) / 1000);

describe('after a cycle that completed', () => {
  it('the next one is due five minutes after its end', () => {
    expect(secondsUntil(plan({}).due)).toBe(300);
  });

  it('jitter only ever lengthens the interval, by a tenth at most', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 0.999, noNaN: true }), (random) => {
        const seconds = secondsUntil(plan({ random }).due) ?? 0;

        expect(seconds).toBeGreaterThanOrEqual(300);
        expect(seconds).toBeLessThanOrEqual(330);
      }),
    );
  });

  it('more work goes on at once', () => {
    expect(plan({ result: completed({ seen: 50, more: true }) })).toMatchObject({ due: now, reason: 'moreWork' });
  });

  it('says which limit of a cycle it met, and goes on at once', () => {
    expect(plan({ result: completed({ more: true, limit: 'maxMessages' }) })).toMatchObject({
      due: now,
      reason: 'maxMessages',
      report: undefined,
    });
  });

  it('endless work waits until the hour is over once its slices are used up, and tells so', () => {
    const slices = { hour: Math.floor(now / 3_600_000), count: 599 };
    const limited = plan({ cycle: cycle({ slices }), result: completed({ more: true }), now: now + 60_000 });

    expect(secondsUntil(limited.due)).toBe(3600);
    expect(limited).toMatchObject({
      reason: 'slicesPerHour',
      report: { type: 'limited', fault: { code: 'sliceLimitReached' } },
    });
  });

  it('endless work has no more slices in an hour than the organization allows, and always goes on', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 0, max: 3_599 }), (slicesPerHour, second) => {
        const settings = { ...defaultSettings, limits: { ...defaultSettings.limits, slicesPerHour } };
        let state = cycle();
        let at = now + second * 1000;
        const perHour = new Map<number, number>();
        for (let slice = 0; slice < 200; slice += 1) {
          const hour = Math.floor(at / 3_600_000);
          perHour.set(hour, (perHour.get(hour) ?? 0) + 1);
          const next = plan({ cycle: state, result: completed({ more: true }), settings, now: at, random: 0.5 });
          expect(next.due).toBeGreaterThanOrEqual(at);
          state = cycle(next.slices === undefined ? {} : { slices: next.slices });
          at = (next.due ?? at) + 1;
        }

        expect(Math.max(...perHour.values())).toBeLessThanOrEqual(slicesPerHour);
      }),
    );
  });

  it('what was told of used up slices is cleared by the next cycle', () => {
    const slices = { hour: Math.floor(now / 3_600_000) - 1, count: 600 };

    expect(plan({ cycle: cycle({ slices, alerted: true }), result: completed({ more: true }) })).toMatchObject({
      due: now,
      alerted: false,
      report: { type: 'succeeded' },
    });
  });

  it('an empty outbox owns no timer', () => {
    expect(plan({ result: completed({ nextDue: null }) })).toMatchObject({ due: null, reason: 'nothingToSend' });
  });

  it('nothing is told unless something had been wrong', () => {
    expect(plan({}).report).toBeUndefined();
    expect(plan({ cycle: cycle({ consecutiveFailures: 3 }) }).report).toEqual({ type: 'succeeded' });
  });

  it('tells so, too, when a run showed a fault and died before it could count it', () => {
    expect(plan({ faultShown: true }).report).toEqual({ type: 'succeeded' });
  });
});

describe('after a cycle that failed', () => {
  it('a transient fault is tried again after five minutes, and disables at the tenth time', () => {
    const ninth = plan({ cycle: cycle({ consecutiveFailures: 8 }), result: failed() });
    const tenth = plan({ cycle: cycle({ consecutiveFailures: 9 }), result: failed() });

    expect(secondsUntil(ninth.due)).toBe(300);
    expect(ninth.report).toMatchObject({ type: 'retrying', failures: 9 });
    expect(tenth.report).toMatchObject({ type: 'disabled' });
    expect(tenth.probing).toBe(true);
  });

  it('a disabled workload owns no timer where recovery is switched off', () => {
    const settings = { ...defaultSettings, recovery: { ...defaultSettings.recovery, enabled: false } };

    expect(plan({ settings, result: failed({ class: 'permanent' }) })).toMatchObject({ enabled: false, due: null });
  });

  it('credentials that never worked are given up at once', () => {
    const next = plan({ credentialWorked: false, result: failed({ class: 'refused' }) });

    expect(next.report).toMatchObject({ type: 'disabled' });
  });

  it('credentials that have worked are asked twice again over ten minutes before they are given up', () => {
    const result = failed({ class: 'refused', fault: createFault('authenticationFailed') });
    let state = cycle();
    let at = now;
    const reports: (string | undefined)[] = [];
    for (let attempt = 0; attempt < 3; attempt += 1) {
      const next = plan({ cycle: state, result, now: at });
      reports.push(next.report?.type);
      state = cycle({
        credentialRefusals: next.credentialRefusals,
        ...(next.firstRefusalAt === undefined ? {} : { firstRefusalAt: next.firstRefusalAt }),
        consecutiveFailures: next.consecutiveFailures,
      });
      at = next.due ?? at;
    }

    expect(reports).toEqual(['retrying', 'retrying', 'disabled']);
  });

  it('ten minutes pass before worked credentials are given up, however short the retry interval', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 3600 }), (seconds) => {
        const settings = {
          ...defaultSettings,
          schedule: { ...defaultSettings.schedule, retry: { attempts: 100, seconds } },
        };
        let state = cycle();
        let at = now;
        for (let attempt = 0; attempt < 50; attempt += 1) {
          const next = plan({ cycle: state, result: failed({ class: 'refused' }), now: at, settings });
          if (next.report?.type === 'disabled') break;
          state = cycle({
            credentialRefusals: next.credentialRefusals,
            ...(next.firstRefusalAt === undefined ? {} : { firstRefusalAt: next.firstRefusalAt }),
          });
          at = next.due ?? at;
        }

        expect(at - now).toBeGreaterThanOrEqual(600_000);
      }),
    );
  });

  it('the next success clears what was told of a server that asked to come back later', () => {
    const throttled = plan({ result: failed({ class: 'throttled', fault: createFault('throttled') }) });
    const failing = plan({ cycle: cycle({ alerted: true }), result: failed() });
    const well = plan({ cycle: cycle({ alerted: true }) });

    expect([throttled.alerted, failing.alerted, well.alerted]).toEqual([true, true, false]);
    expect(well.report).toEqual({ type: 'succeeded' });
    expect(plan({}).report).toBeUndefined();
  });

  it('throttling by the server is no strike against the mailbox', () => {
    const next = plan({
      cycle: cycle({ consecutiveFailures: 9 }),
      result: failed({ class: 'throttled', fault: createFault('connectionLimit') }),
    });

    expect(next).toMatchObject({ enabled: true, probing: false, consecutiveFailures: 9 });
  });

  it('a fault of the whole profile never disables a mailbox', () => {
    const next = plan({ cycle: cycle({ consecutiveFailures: 9 }), result: failed({ level: 'profile' }) });

    expect(next).toMatchObject({ enabled: true, consecutiveFailures: 9, report: { type: 'profilePaused' } });
  });

  it('the server may ask for a longer wait, never for a shorter one', () => {
    const longer = plan({ result: failed({ class: 'throttled', retryAfterSeconds: 900 }) });
    const shorter = plan({ result: failed({ class: 'throttled', retryAfterSeconds: 1 }) });

    expect([secondsUntil(longer.due), secondsUntil(shorter.due)]).toEqual([900, 300]);
  });
});

describe('schedule policies', () => {
  const schedule = (policy: 'current' | 'adaptive2018' | 'idle2013') => ({
    ...defaultSettings.schedule,
    incoming: { policy, seconds: 300 },
  });
  const delay = (policy: 'current' | 'adaptive2018' | 'idle2013', idleCycles: number) =>
    nextDelaySeconds({ schedule: schedule(policy), idleCycles, minPollingMinutes: 0, stretch: 1, random: 0 });

  it('adaptive2018 runs every two minutes when busy and every twelve when quiet', () => {
    expect([delay('adaptive2018', 0), delay('adaptive2018', 100)]).toEqual([120, 720]);
  });

  it('idle2013 stretches to hours', () => {
    expect([delay('idle2013', 0), delay('idle2013', 1000)]).toEqual([900, 14_400]);
  });

  it('are stretched where the server is crowded, but not while there is more to read', () => {
    const spared = plan({ result: completed({ stretch: 2.5 }) });
    const busy = plan({ result: completed({ stretch: 2.5, more: true }) });

    expect([secondsUntil(spared.due), secondsUntil(busy.due)]).toEqual([750, 0]);
  });

  it('never get shorter the longer a mailbox is idle, nor shorter than the profile allows', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('current' as const, 'adaptive2018' as const, 'idle2013' as const),
        fc.nat(200),
        fc.nat(1440),
        (policy, idleCycles, minPollingMinutes) => {
          const input = { schedule: schedule(policy), minPollingMinutes, stretch: 1, random: 0 };
          const seconds = nextDelaySeconds({ ...input, idleCycles });

          expect(nextDelaySeconds({ ...input, idleCycles: idleCycles + 1 })).toBeGreaterThanOrEqual(seconds);
          expect(seconds).toBeGreaterThanOrEqual(minPollingMinutes * 60);
        },
      ),
    );
  });
});
