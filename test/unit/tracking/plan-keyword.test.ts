import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type KeywordFacts, noteFailures, planKeyword } from '../../../shared/tracking/plan-keyword.ts';
import { keywordsOf } from '../../../shared/tracking/tracked-keyword.ts';
import { readUidSet, writeUidSet } from '../../../shared/tracking/uid-set.ts';

const factsOf = (changes: Partial<KeywordFacts>): KeywordFacts => ({
  known: [],
  present: [],
  marked: new Set(),
  failing: [],
  retryMilliseconds: 900_000,
  now: 10_000_000,
  ...changes,
});

describe('the tracked keyword in a folder', () => {
  it('tracks a message on which somebody put it, and no other', () => {
    const plan = planKeyword(factsOf({ known: [1, 2], present: [1, 2, 3, 4], marked: new Set([4]) }));
    expect(plan).toEqual({ track: [3], lost: [], waiting: [] });
  });

  it('untracks what lost it', () => {
    expect(planKeyword(factsOf({ known: [1, 2, 3], present: [1, 3] })).lost).toEqual([2]);
  });

  it('tries a message that could not be tracked again, and not before the time that is set has passed', () => {
    const failing = [
      { uid: 5, attempts: 1, lastAt: 9_100_000 },
      { uid: 6, attempts: 1, lastAt: 9_500_000 },
    ];
    const plan = planKeyword(factsOf({ present: [5, 6], failing }));
    expect([plan.track, plan.waiting]).toEqual([[5], [failing[1]]]);
  });

  it('forgets failed attempts when the keyword is taken off', () => {
    const failing = [{ uid: 5, attempts: 3, lastAt: 9_900_000 }];
    expect(planKeyword(factsOf({ present: [], failing }))).toEqual({ track: [], lost: [], waiting: [] });
  });

  it('is given up after the first attempt and as many retries as are set', () => {
    let failing: ReturnType<typeof noteFailures>['failing'] = [];
    const ends: number[] = [];
    for (let attempt = 1; attempt <= 6; attempt += 1) {
      const noted = noteFailures({ waiting: [] }, failing, [7], 5, attempt);
      failing = noted.failing;
      if (noted.givenUp.length > 0) ends.push(attempt);
    }
    expect([ends, failing]).toEqual([[6], []]);
  });
});

describe('the names of the keywords', () => {
  it('have underscores for blanks, and tell tracked from undeliverable', () => {
    expect(keywordsOf({ name: 'Tracked to CRM' })).toEqual({
      tracked: 'Tracked_to_CRM',
      undeliverable: 'Tracked_to_CRM_Undeliverable',
    });
  });
});

describe('a set of UIDs', () => {
  it('is read as it was written', () => {
    expect(writeUidSet([7, 1, 3, 2])).toBe('1:3,7');
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ min: 1, max: 5_000 })), (uids) => {
        const sorted = [...uids].sort((one, other) => one - other);
        expect(readUidSet(writeUidSet(uids))).toEqual(sorted);
      }),
    );
  });
});
