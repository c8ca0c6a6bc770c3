import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { simulate } from './simulated-world.ts';

/** A small generator of its own, so that a failing seed repeats the whole world. */
const createRandom = (seed: number) => {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 4_294_967_296;
  };
};

const world = {
  mailboxes: 6,
  maxConnections: 2,
  faultySeconds: 1800,
  calmSeconds: 2400,
};

describe('cycles of mailboxes whose processes are killed at any call', () => {
  it('never overlap, never pass the limit and all live on, by redelivery alone', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer(), async (seed) => {
        const findings = await simulate({
          ...world,
          faults: { kill: 0.03, loseTimer: 0, doubleDelivery: 0.03 },
          watchdog: false,
          random: createRandom(seed),
        });

        expect(findings).toMatchObject({ overlaps: 0, overLimit: 0, stuck: 0 });
        expect(findings.runs).toBeGreaterThan(world.mailboxes * 5);
      }),
      { numRuns: 60 },
    );
  });

  it('live on even when timers are lost, by the watchdog', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer(), async (seed) => {
        const findings = await simulate({
          ...world,
          faults: { kill: 0.03, loseTimer: 0.2, doubleDelivery: 0.03 },
          watchdog: true,
          random: createRandom(seed),
        });

        expect(findings).toMatchObject({ overlaps: 0, overLimit: 0, stuck: 0 });
      }),
      { numRuns: 60 },
    );
  });

  it('do get stuck on lost timers without the watchdog, so that the check above can fail', async () => {
    const findings = await simulate({
      ...world,
      faults: { kill: 0, loseTimer: 0.5, doubleDelivery: 0 },
      watchdog: false,
      random: createRandom(7),
    });

    expect(findings.stuck).toBeGreaterThan(0);
  });
});
