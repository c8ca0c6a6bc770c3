import { armCycle, armTurn, timerName } from './arm-cycle.ts';
import type { Cycle } from './cycle.ts';
import { type CycleDependencies, type Delivery, done, type Verdict } from './cycle-delivery.ts';
import { FenceError } from './cycle-store.ts';

/** Longer waits complete the cycle and arm a timer, so that the message does not hold its group. */
const longestShortWaitMilliseconds = 120_000;
/** After so many deliveries of one message a fresh one goes on waiting, well before the queue gives the message up. */
const deliveriesBeforeFreshMessage = 40;

/** All places are taken. A long wait is noted in the cycle, so that nobody takes it for lost and takes another turn. */
export const waitForTurn = async (
  deps: CycleDependencies,
  cycle: Cycle,
  delivery: Delivery,
  until: number,
): Promise<Verdict> => {
  if (until - deps.now().getTime() <= longestShortWaitMilliseconds) return waitFor(deps, cycle, delivery, until);
  try {
    await deps.store.postpone(cycle, until);
  } catch (error) {
    if (error instanceof FenceError) return done('fenced');
    throw error;
  }
  await armTurn(deps.timers, cycle, until);
  return done('waiting');
};

/** Gives the message back for a short wait; for a long one, or after many, arms what starts it anew. */
export const waitFor = async (
  deps: CycleDependencies,
  cycle: Cycle,
  delivery: Delivery,
  until: number,
): Promise<Verdict> => {
  const now = deps.now().getTime();
  if (until - now > longestShortWaitMilliseconds) {
    if (cycle.waitsUntil === until) await armTurn(deps.timers, cycle, until);
    else await armCycle(deps, { ...cycle, due: until });
    return done('waiting');
  }
  if (delivery.receiveCount >= deliveriesBeforeFreshMessage) {
    await deps.queues.send(cycle.workload, cycle.mailboxId, `${timerName(cycle)}.${now}`, {
      ...delivery.message,
      reason: 'retry',
      occasion: String(now),
    });
    return done('waiting');
  }
  return { done: false, waitSeconds: Math.max(1, Math.ceil((until - now) / 1000)) };
};
