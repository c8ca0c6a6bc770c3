import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { emptySendQuota, type SendQuota, takePermit } from '../../../shared/email/send-quota.ts';
import type { SendLimits } from '../../../shared/server-profile/server-profile.ts';

const beginning = Date.parse('2026-11-20T12:00:00.000Z');
const minute = 60_000;
const day = 86_400_000;

/** Sends whenever it may until `until`; the instants at which emails went out. */
const sendAll = (
  limits: SendLimits,
  from: number,
  until: number,
  ofMany = false,
  start: SendQuota = emptySendQuota,
) => {
  const sent: number[] = [];
  let quota = start;
  for (let now = from; now < until; ) {
    const permit = takePermit(quota, limits, { now, ofMany });
    if ('until' in permit) now = permit.until;
    else {
      quota = permit.taken;
      sent.push(now);
    }
  }
  return { sent, quota };
};

const mostWithin = (sent: readonly number[], span: number): number => {
  let most = 0;
  for (let first = 0, last = 0; last < sent.length; last += 1) {
    while ((sent[last] ?? 0) - (sent[first] ?? 0) >= span) first += 1;
    most = Math.max(most, last - first + 1);
  }
  return most;
};

describe('the limits of a server profile', () => {
  it('let as many emails out in a minute as they say, and the next ones when those have passed', () => {
    const { sent } = sendAll({ perMinute: 30 }, beginning, beginning + 5 * minute);

    expect(sent.slice(0, 30)).toEqual(Array(30).fill(beginning));
    expect(mostWithin(sent, minute)).toBe(30);
    // Each full minute waits up to five seconds more.
    expect(sent.length).toBe(5 * 30);
  });

  it('hold over any 24 hours, not only over those of a date', () => {
    const evening = Date.parse('2026-11-20T23:50:00.000Z');
    const { sent } = sendAll({ perDay: 100 }, evening, evening + 3 * day);

    expect(mostWithin(sent, day)).toBe(100);
    expect(sent.length).toBe(300);
  });

  it('are never passed, whenever emails come and whatever both limits are', () => {
    const limits = fc.record({ perMinute: fc.integer({ min: 1, max: 40 }), perDay: fc.integer({ min: 1, max: 200 }) });
    const pauses = fc.array(fc.integer({ min: 0, max: 20 * minute }), { maxLength: 400 });

    fc.assert(
      fc.property(limits, pauses, fc.boolean(), (given, gaps, ofMany) => {
        const sent: number[] = [];
        let quota = emptySendQuota;
        let now = beginning;
        for (const gap of gaps) {
          now += gap;
          const permit = takePermit(quota, given, { now, ofMany });
          if ('until' in permit) {
            expect(permit.until).toBeGreaterThan(now);
            expect(permit.until - now).toBeLessThanOrEqual(day + 1_800_000);
          } else {
            quota = permit.taken;
            sent.push(now);
          }
        }
        expect(mostWithin(sent, minute)).toBeLessThanOrEqual(given.perMinute);
        expect(mostWithin(sent, day)).toBeLessThanOrEqual(given.perDay);
      }),
      { numRuns: 200 },
    );
  });

  it('leave a tenth to mailboxes that send few, whatever waits in one that sends many', () => {
    const { sent, quota } = sendAll({ perMinute: 30 }, beginning, beginning + 1_000, true);
    const other = sendAll({ perMinute: 30 }, beginning, beginning + 1_000, false, quota);

    expect(sent).toHaveLength(27);
    expect(other.sent).toHaveLength(3);
  });

  it('keep little: counts that have faded are forgotten', () => {
    const { quota } = sendAll({ perMinute: 30, perDay: 10_000 }, beginning, beginning + 2 * day);

    expect(JSON.stringify(quota).length).toBeLessThan(1_024);
  });

  it('that are lowered count what went out before', () => {
    const { quota } = sendAll({ perDay: 100 }, beginning, beginning + minute);

    expect(takePermit(quota, { perDay: 50 }, { now: beginning + minute, ofMany: false })).toHaveProperty('until');
  });
});
