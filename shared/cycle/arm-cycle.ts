import type { LaneQueues } from '../platform/lane-queues.ts';
import type { Timers } from '../platform/timers.ts';
import type { Cycle } from './cycle.ts';
import type { CycleMessage } from './lane-message.ts';
import { sendCycle } from './send-cycle.ts';

/** Named so that arming twice meets the timer that stands. At most 64 characters. */
export const timerName = (cycle: Pick<Cycle, 'mailboxId' | 'workload' | 'generation'>): string =>
  `${cycle.mailboxId}-${cycle.workload}-${cycle.generation}`;

/** While it waits for its turn at a server; the timer that began the run has fired but may still stand under its name. */
const turnTimerName = (cycle: Cycle, at: number): string => `${timerName(cycle)}-${Math.floor(at / 1000).toString(36)}`;

/** Every timer that may stand for a cycle, one of the generation before included that was not taken back. */
export const timerNamesOf = (cycle: Cycle): readonly string[] => [
  timerName(cycle),
  timerName({ ...cycle, generation: cycle.generation - 1 }),
  ...(cycle.waitsUntil === undefined ? [] : [turnTimerName(cycle, cycle.waitsUntil)]),
];

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
  await armTimer(deps.timers, cycle, timerName(cycle), cycle.due, 'timer');
};

/**
 * Starts the run that is due once its turn has come. A generation may wait for several turns: what its timers send must
 * differ, since the queue swallows an equal body within five minutes.
 */
export const armTurn = (timers: Timers, cycle: Cycle, at: number): Promise<void> =>
  armTimer(timers, cycle, turnTimerName(cycle, at), at, 'retry', String(at));

const armTimer = (
  timers: Timers,
  { organizationId, mailboxId, workload, generation }: Cycle,
  name: string,
  at: number,
  reason: CycleMessage['reason'],
  occasion?: string,
): Promise<void> => {
  const named = occasion === undefined ? {} : { occasion };
  const body: CycleMessage = { v: 1, organizationId, mailboxId, workload, generation, reason, ...named };
  return timers.arm({ name, at, lane: workload, group: mailboxId, body });
};
