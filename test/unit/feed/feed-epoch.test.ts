import { describe, expect, it } from 'vitest';
import { mayHaveLostRecords } from '../../../shared/feed/feed-epoch.ts';

const now = new Date('2026-11-20T12:00:00.000Z');
const hoursAgo = (hours: number): number => now.getTime() - hours * 3_600_000;

describe('records of the stream may have been lost', () => {
  it('when one is about to be dropped', () => {
    expect(mayHaveLostRecords(hoursAgo(22.1), hoursAgo(0.1), now)).toBe(true);
  });

  it('when the reader is late and was silent for as long as the stream keeps records', () => {
    expect(mayHaveLostRecords(hoursAgo(15), hoursAgo(26), now)).toBe(true);
  });

  it('but not when nothing happened for days and the reader is in time', () => {
    expect(mayHaveLostRecords(hoursAgo(0.001), hoursAgo(100), now)).toBe(false);
  });

  it('nor when the reader was away for some hours only', () => {
    expect(mayHaveLostRecords(hoursAgo(10), hoursAgo(11), now)).toBe(false);
  });

  it('nor in a deployment whose stream was never read before', () => {
    expect(mayHaveLostRecords(hoursAgo(3), undefined, now)).toBe(false);
  });
});
