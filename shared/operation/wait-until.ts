import type { LaneVerdict } from '../cycle/run-lane-batch.ts';
import type { Timers } from '../platform/timers.ts';
import { goOnLater } from './go-on-later.ts';
import type { OperationDependencies } from './operation.ts';
import { operationMessage } from './operation-message.ts';
import { operationTimerName } from './operation-watch.ts';

export interface WaitDependencies extends Pick<OperationDependencies, 'queues' | 'operationWatch' | 'now'> {
  readonly timers: Timers;
}

interface WaitingOperation {
  readonly organizationId: string;
  readonly id: string;
  readonly group: string;
  readonly deadline: string;
}

/** Timers are precise to a minute; below this a message is given back instead. */
const longestShortWaitMilliseconds = 120_000;

/**
 * Has a fresh message of the operation come at `due` (epoch milliseconds). The watchdog looks after it from then on,
 * should the timer be lost. Can be repeated.
 */
export const resumeAt = async (
  { operationWatch, timers }: Pick<WaitDependencies, 'operationWatch' | 'timers'>,
  { organizationId, id, group, deadline }: WaitingOperation,
  due: number,
): Promise<void> => {
  await operationWatch.begin({ organizationId, operationId: id, group, due, deadline: Date.parse(deadline) });
  const body = operationMessage(organizationId, group, id, new Date(due).toISOString());
  await timers.arm({ name: operationTimerName(id, due), at: due, lane: 'operations', group, body });
};

/**
 * Lets an operation rest until `due` (epoch milliseconds). A short wait keeps its message. A long one must not: SQS
 * keeps the age of a message that is given back, and what waits for hours on purpose would look like a lane that stands
 * still.
 */
export const waitUntil = async (
  deps: WaitDependencies,
  operation: WaitingOperation,
  delivery: { readonly receiveCount: number },
  due: number,
): Promise<LaneVerdict> => {
  const wait = due - deps.now().getTime();
  if (wait <= longestShortWaitMilliseconds)
    return goOnLater(deps, operation, delivery, Math.max(1, Math.ceil(wait / 1000)));
  await resumeAt(deps, operation, due);
  return { done: true };
};
