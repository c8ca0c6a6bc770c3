import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { concludeWindow, neededConnections, type Utilization } from '../../../shared/throttle/utilization.ts';

const windowMilliseconds = 600_000;

/** A window in which each of four places was held for this share of the time. */
const windowOf = (share: number, changes: Utilization = {}): Utilization => ({
  held: share * 4 * windowMilliseconds,
  heldSince: 1_000,
  ...changes,
});
const conclude = (item: Utilization) => concludeWindow(item, 4, 1_000 + windowMilliseconds);

describe('the utilization of a counter', () => {
  it('is told when ten minutes are over', () => {
    const early = concludeWindow(windowOf(0.9), 4, windowMilliseconds);
    const concluded = conclude(windowOf(0.5));

    expect(early).toBeUndefined();
    expect(concluded).toMatchObject({ utilization: 0.5, stretch: 1, crowdedWindows: 0 });
  });

  it('stretches intervals above 0.8 and leaves them as set below', () => {
    expect(conclude(windowOf(0.81))?.stretch).toBe(1.08);
    expect(conclude(windowOf(0.8))?.stretch).toBe(1);
  });

  it('stretches more while that does not suffice, less when there is room again', () => {
    expect(conclude(windowOf(1, { stretch: 2, crowdedWindows: 1 }))).toMatchObject({
      stretch: 2.67,
      crowdedWindows: 2,
    });
    expect(conclude(windowOf(0.75, { stretch: 2, crowdedWindows: 1 }))).toMatchObject({
      stretch: 2,
      crowdedWindows: 2,
    });
    expect(conclude(windowOf(0.6, { stretch: 2, crowdedWindows: 2 }))).toMatchObject({ stretch: 1.6 });
    expect(conclude(windowOf(0.2, { stretch: 2, crowdedWindows: 3 }))).toMatchObject({
      stretch: 1,
      crowdedWindows: 0,
      wasCrowdedWindows: 3,
    });
  });

  it('brings a server that is asked for more than it has to rest between 0.7 and 0.8', () => {
    fc.assert(
      fc.property(fc.double({ min: 0.85, max: 4, noNaN: true }), (demand) => {
        let item: Utilization = { heldSince: 0 };
        for (let window = 1; window <= 24; window += 1) {
          const share = Math.min(1, demand / (item.stretch ?? 1));
          const concluded = conclude({ ...windowOf(share), ...item, held: windowOf(share).held, heldSince: 1_000 });
          item = { stretch: concluded?.stretch, crowdedWindows: concluded?.crowdedWindows };
        }
        expect(demand / (item.stretch ?? 1)).toBeGreaterThan(0.69);
        expect(demand / (item.stretch ?? 1)).toBeLessThan(0.81);
      }),
    );
  });

  it('names a limit that uses the server by two thirds at most', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 300 }), fc.double({ min: 0.8, max: 6, noNaN: true }), (limit, demand) => {
        const needed = neededConnections(limit, demand);

        expect(needed).toBeGreaterThan(limit);
        expect((limit * demand) / needed).toBeLessThanOrEqual(2 / 3 + 1e-9);
      }),
    );
  });
});
