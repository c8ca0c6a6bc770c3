import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  changeLayout,
  initialLayout,
  layoutAt,
  shardLimit,
  shardOf,
} from '../../../shared/throttle/throttle-layout.ts';

const limits = fc.integer({ min: 1, max: 300 });

describe('the layout of a connection counter', () => {
  it('shares the whole limit out to its shards, none of them empty or large', () => {
    fc.assert(
      fc.property(limits, (limit) => {
        const { shards } = initialLayout(limit);
        const shares = Array.from({ length: shards }, (_, shard) => shardLimit(limit, shards, shard));

        expect(shares.reduce((sum, share) => sum + share, 0)).toBe(limit);
        expect(Math.min(...shares)).toBeGreaterThan(0);
        expect(Math.max(...shares)).toBeLessThanOrEqual(50);
      }),
    );
  });

  it('finds a mailbox in the same shard every time', () => {
    fc.assert(
      fc.property(fc.string(), fc.integer({ min: 1, max: 6 }), (mailboxId, shards) => {
        const shard = shardOf(mailboxId, shards);

        expect(shardOf(mailboxId, shards)).toBe(shard);
        expect(shard).toBeGreaterThanOrEqual(0);
        expect(shard).toBeLessThan(shards);
      }),
    );
  });

  it('changes the number of shards only once every lease of the old layout has ended', () => {
    fc.assert(
      fc.property(limits, limits, fc.nat(10_000_000), (before, after, at) => {
        const changed = changeLayout({ throttle: initialLayout(before) }, after, new Date(at));
        const during = layoutAt(changed, at);

        expect(during.shards).toBe(initialLayout(before).shards);
        if (during.until !== Number.POSITIVE_INFINITY) {
          expect(during.until - at).toBeGreaterThan(905_000);
          expect(layoutAt(changed, during.until).shards).toBe(initialLayout(after).shards);
        } else expect(initialLayout(after).shards).toBe(during.shards);
      }),
    );
  });
});
