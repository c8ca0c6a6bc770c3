import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { attemptLimit, readRetryAfter, secondsToNextAttempt } from '../../../shared/webhook/retry-plan.ts';

const day = 86_400;
const plain = { retryAfterSeconds: undefined, maxSeconds: day, random: () => 0 };

describe('the waits between attempts', () => {
  it('are those that the API promises, ten attempts in all', () => {
    const waits = Array.from({ length: attemptLimit }, (_, index) => secondsToNextAttempt(index + 1, plain));

    expect(waits).toEqual([5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, day, undefined]);
  });

  it('are never shorter than that, nor longer than a tenth more, whatever the dice say', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 9 }),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (failed, dice) => {
          const wait = secondsToNextAttempt(failed, plain) ?? 0;
          const spread = secondsToNextAttempt(failed, { ...plain, random: () => dice }) ?? 0;
          expect(spread).toBeGreaterThanOrEqual(wait);
          expect(spread).toBeLessThanOrEqual(wait * 1.1);
        },
      ),
    );
  });

  it.each([
    ['a later time is kept', 1, 60, day, 60],
    ['an earlier one does not hasten', 2, 60, day, 300],
    ['more than a day is a day', 1, 10 * day, day, day],
    ['a sandbox that waits a second still keeps it', 3, 30, 1, 30],
    ['a sandbox that waits a second', 9, undefined, 1, 1],
  ])('with Retry-After: %s', (_, failed, retryAfterSeconds, maxSeconds, expected) => {
    expect(secondsToNextAttempt(failed, { retryAfterSeconds, maxSeconds, random: () => 0 })).toBe(expected);
  });
});

describe('Retry-After', () => {
  const now = new Date('2026-11-20T12:00:00.000Z');

  it.each([
    ['120', 120],
    [' 0 ', 0],
    ['Fri, 20 Nov 2026 12:02:00 GMT', 120],
    ['Fri, 20 Nov 2026 11:00:00 GMT', 0],
    ['soon', undefined],
    ['-5', undefined],
    ['2026-11-20', undefined],
    [undefined, undefined],
  ])('%s means %s seconds', (text, seconds) => {
    expect(readRetryAfter(text, now)).toBe(seconds);
  });
});
