import type { LaneQueues } from '../platform/lane-queues.ts';
import type { Timers } from '../platform/timers.ts';
import type { Cycle } from './cycle.ts';
import type { CycleMessage } from './lane-message.ts';
import { sendCycle } from './send-cycle.ts';

/** Named so that arming twice meets the timer that stands. At most 64 characters. */
export const timerName = (cycle: Pick<Cycle, 'mailboxId' | 'workload' | 'generation'>): string =>
  `${cycle.mailboxId}-${cycle.workload}-${cycle.generation}`;

/**
 * Nearer than this the message goes to the queue at once and waits there: a timer in the past is refused, and clocks
 * differ by seconds. Further off a timer is better, since a waiting message holds back its whole group.
 */
const nearMilliseconds = 15_000;

/** Sees to it that the cycle's next run starts when it is due. Can be repeated. */
export const armCycle = async (
  deps: { readonly timers: Timers; readonly queues: LaneQueues; readonly now: () => Date },
  cycle: Cycle,
): Promise<void> => {
  if (!cycle.enabled || cycle.due === null) return;
  if (cycle.due - deps.now().getTime() < nearMilliseconds) {
    await sendCycle(deps.queues, cycle, 'continue', '');
    return;
  }
  const body: CycleMessage = {
    v: 1,
    organizationId: cycle.organizationId,
    mailboxId: cycle.mailboxId,
    workload: cycle.workload,
    generation: cycle.generation,
    reason: 'timer',
  };
  await deps.timers.arm({
    name: timerName(cycle),
    at: cycle.due,
    lane: cycle.workload,
    group: cycle.mailboxId,
    body,
  });
};
