import { marshall } from '@aws-sdk/util-dynamodb';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nextTicket, rememberDead, type ThrottleItem } from '../../../shared/throttle/throttle-item.ts';
import { itemBytes } from '../../bench/cost/item-size.ts';

const now = Date.parse('2026-11-20T12:00:00.000Z');

const counterOf = (connections: number, hold: number): ThrottleItem => {
  const holders = Array.from({ length: connections }, (_, index) => [
    `mbx_01M8QQ2NWVR7C4C0HAW0Q4${String(index).padStart(4, '0')}+incoming`,
    [now + 120_000, index] as [number, number],
  ]);
  return { n: connections, q: 0, leases: Object.fromEntries(holders), hold };
};

/** How many tickets are given out until all that were given out for a second from now are. */
const ticketsInOneSecond = (item: ThrottleItem, available: number): number => {
  let given = 0;
  for (let q = now; q <= now + 1_000; given += 1) q = nextTicket({ ...item, q }, { line: 'q', available }, now);
  return given;
};

describe('the tickets of a full server', () => {
  it('follow each other as places come free', () => {
    expect(nextTicket(counterOf(10, 2_000), { line: 'q', available: 10 }, now)).toBe(now + 200);
  });

  it('are no more in a second than its counter bears, however soon places come free', () => {
    // Of the 1,000 write units of a partition; most of the rest is for those who ask again and for newcomers.
    const bearable = 140;
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 1, max: 5_000 }), (connections, hold) => {
        const item = counterOf(connections, hold);
        const unitsOfAWrite = Math.ceil(itemBytes(marshall(item)) / 1024);

        expect(ticketsInOneSecond(item, connections) * 2 * unitsOfAWrite).toBeLessThanOrEqual(bearable);
      }),
    );
  });
});

describe('the memory of runs that died', () => {
  it('keeps the latest of those that will begin again, for an hour, so that the item stays small', () => {
    const leasesOf = (prefix: string, count: number, expiry: number, generation: number) =>
      Object.fromEntries(
        Array.from({ length: count }, (_, index) => [`${prefix}${index}`, [expiry - index, generation]]),
      ) as ThrottleItem['leases'];
    const item: ThrottleItem = {
      n: 0,
      q: 0,
      leases: { ...leasesOf('test', 3, now, 0), ...leasesOf('run', 10, now, 4) },
      died: { ...leasesOf('hour', 2, now - 3_600_000, 4), ...leasesOf('minute', 20, now - 60_000, 4) },
    };

    const remembered = rememberDead(item, Object.keys(item.leases), now);

    expect(Object.keys(remembered)).toEqual([
      ...Array.from({ length: 10 }, (_, index) => `run${index}`),
      ...Array.from({ length: 6 }, (_, index) => `minute${index}`),
    ]);
  });
});
