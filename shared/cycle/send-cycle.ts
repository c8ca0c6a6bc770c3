import type { LaneQueues } from '../platform/lane-queues.ts';
import type { Cycle } from './cycle.ts';
import type { CycleMessage } from './lane-message.ts';

/**
 * Sends a cycle to its lane. Two sends with equal generation, reason and occasion are one delivery: the queue drops the
 * second for five minutes, even after the first was processed. So whoever means another delivery changes the occasion.
 */
export const sendCycle = async (
  queues: LaneQueues,
  cycle: Pick<Cycle, 'organizationId' | 'mailboxId' | 'workload' | 'generation'>,
  reason: CycleMessage['reason'],
  occasion: string,
): Promise<void> => {
  const message: CycleMessage = {
    v: 1,
    organizationId: cycle.organizationId,
    mailboxId: cycle.mailboxId,
    workload: cycle.workload,
    generation: cycle.generation,
    reason,
    ...(occasion === '' ? {} : { occasion }),
  };
  await queues.send(
    cycle.workload,
    cycle.mailboxId,
    [cycle.mailboxId, cycle.generation, reason, occasion].join('.'),
    message,
  );
};
