import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CycleBudget } from '../../../shared/cycle/cycle-budget.ts';

const beginning = Date.parse('2026-11-20T12:00:00.000Z');

const createBudget = (
  limits: Partial<{ maxMessages: number; maxBytes: number; maxSeconds: number }>,
  deadlineSeconds = 100,
) => {
  let now = beginning;
  const all = { maxMessages: 1_000_000, maxBytes: 1_000_000_000, maxSeconds: 870, ...limits };
  const budget = new CycleBudget(all, beginning + deadlineSeconds * 1000, () => new Date(now));
  return { budget, wait: (seconds: number) => (now += seconds * 1000) };
};

describe('what a cycle may take', () => {
  it('is never passed in bytes but by a single message, and every message has its turn in some cycle', () => {
    const sizes = fc.array(fc.integer({ min: 0, max: 10_000 }), { minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(
        sizes,
        fc.integer({ min: 1, max: 20_000 }),
        fc.integer({ min: 1, max: 20 }),
        (bytes, maxBytes, size) => {
          let waiting = bytes.map((sizeBytes, id) => ({ id, sizeBytes }));
          const taken: number[] = [];
          for (let cycle = 0; waiting.length > 0; cycle += 1) {
            expect(cycle).toBeLessThanOrEqual(bytes.length);
            const { budget } = createBudget({ maxBytes });
            const ofCycle: typeof waiting = [];
            while (waiting.length > 0 && budget.mayBegin()) {
              const some = budget.within(waiting.slice(0, size));
              budget.spend(
                some.length,
                some.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
              );
              ofCycle.push(...some);
              waiting = waiting.slice(some.length);
            }
            // Of a window only what fits is taken after its first message, of which the window before knew nothing.
            const total = ofCycle.slice(0, -1).reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
            expect(total).toBeLessThanOrEqual(maxBytes);
            taken.push(...ofCycle.map(({ id }) => id));
            if (waiting.length > 0) expect(budget.met()).toBe('maxBytes');
          }
          expect(taken).toEqual(bytes.map((_, id) => id));
        },
      ),
    );
  });

  it('ends with its messages and its seconds, and says which it was', () => {
    const messages = createBudget({ maxMessages: 10 });
    messages.budget.spend(9, 0);
    expect([messages.budget.mayBegin(), messages.budget.met()]).toEqual([true, undefined]);
    messages.budget.spend(1, 0);
    expect([messages.budget.mayBegin(), messages.budget.met()]).toEqual([false, 'maxMessages']);
    // What has begun is brought to its end.
    expect(messages.budget.mayGoOn()).toBe(true);

    const seconds = createBudget({ maxSeconds: 20 });
    seconds.wait(19);
    expect(seconds.budget.mayBegin()).toBe(true);
    seconds.wait(1);
    expect([seconds.budget.mayGoOn(), seconds.budget.met()]).toEqual([false, 'maxSeconds']);
  });

  it('ends with the time of the function without having met a limit', () => {
    const { budget, wait } = createBudget({}, 30);
    wait(30);

    expect([budget.mayGoOn(), budget.met()]).toEqual([false, undefined]);
  });
});
