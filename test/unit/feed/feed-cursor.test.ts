import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeFeedCursor, encodeFeedCursor } from '../../../shared/feed/feed-cursor.ts';
import { matchesTypes } from '../../../shared/feed/feed-event.ts';
import { advanceMarks, isMarked } from '../../../shared/feed/feed-page.ts';

describe('a cursor of the feed', () => {
  it('comes back as it was given out', () => {
    fc.assert(
      fc.property(fc.nat(), fc.integer({ min: 0, max: 999_999_999_999_999 }), (milliseconds, sequence) => {
        const cursor = { epoch: milliseconds.toString(36), sequence };
        expect(decodeFeedCursor(encodeFeedCursor(cursor))).toEqual(cursor);
      }),
    );
  });

  it.each(['', '0', '12', 'a.b', '0.-1', '0.01', '0.1.2', '0.1e3', '0.9999999999999999'])('is not %j', (text) => {
    expect(decodeFeedCursor(text)).toBeUndefined();
  });
});

describe('a filter of types', () => {
  it('names a type, or all of a subject', () => {
    expect(matchesTypes('email.sent', ['record.created', 'email.*'])).toBe(true);
    expect(matchesTypes('email.sent', ['email.sent'])).toBe(true);
    expect(matchesTypes('email.sent', ['email.sending'])).toBe(false);
    expect(matchesTypes('emailing.sent', ['email.*'])).toBe(false);
    expect(matchesTypes('email.sent', undefined)).toBe(true);
  });
});

describe('marks of the stream', () => {
  const now = new Date('2026-11-20T12:00:00.000Z');

  it('compare numbers as numbers and not as text, beyond what a double holds', () => {
    const marks = advanceMarks({}, 's', { sequence: '99999999999999999999', index: 0 }, now);

    expect(isMarked(marks, 's', { sequence: '99999999999999999998', index: 5 })).toBe(true);
    expect(isMarked(marks, 's', { sequence: '99999999999999999999', index: 0 })).toBe(true);
    expect(isMarked(marks, 's', { sequence: '99999999999999999999', index: 1 })).toBe(false);
    expect(isMarked(marks, 's', { sequence: '100000000000000000000', index: 0 })).toBe(false);
    expect(isMarked(marks, 'other', { sequence: '1', index: 0 })).toBe(false);
  });

  it('forget a shard two days after its last change, and none before', () => {
    const old = advanceMarks({}, 'old', { sequence: '1', index: 0 }, now);
    const later = (hours: number) => new Date(now.getTime() + hours * 3_600_000);

    expect(Object.keys(advanceMarks(old, 'new', { sequence: '2', index: 0 }, later(47)))).toEqual(['old', 'new']);
    expect(Object.keys(advanceMarks(old, 'new', { sequence: '2', index: 0 }, later(49)))).toEqual(['new']);
  });
});
