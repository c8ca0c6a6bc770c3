import type { LaneVerdict } from '../cycle/run-lane-batch.ts';
import type { OperationDependencies } from './operation.ts';
import { operationMessage } from './operation-message.ts';

/** The queue gives a message up after 50 deliveries; a fresh one goes on well before. */
const deliveriesBeforeFreshMessage = 40;

/**
 * Has the message of an operation delivered again after a wait; when it has been delivered too often, a fresh one goes
 * on at once. `group`: the message group of the operation.
 */
export const goOnLater = async (
  { queues, now }: Pick<OperationDependencies, 'queues' | 'now'>,
  operation: { readonly organizationId: string; readonly id: string; readonly group: string },
  delivery: { readonly receiveCount: number },
  waitSeconds: number,
): Promise<LaneVerdict> => {
  if (delivery.receiveCount < deliveriesBeforeFreshMessage) return { done: false, waitSeconds };
  const { organizationId, id, group } = operation;
  const occasion = String(now().getTime());
  await queues.send('operations', group, `${id}.${occasion}`, operationMessage(organizationId, group, id, occasion));
  return { done: true };
};

const longestWaitSeconds = 120;

/** As goOnLater, until a place at the server may be free (epoch milliseconds). */
export const goOnWithPlace = (
  dependencies: Pick<OperationDependencies, 'queues' | 'now'>,
  operation: { readonly organizationId: string; readonly id: string; readonly group: string },
  delivery: { readonly receiveCount: number },
  until: number,
): Promise<LaneVerdict> => {
  const seconds = Math.ceil((until - dependencies.now().getTime()) / 1000);
  return goOnLater(dependencies, operation, delivery, Math.min(longestWaitSeconds, Math.max(1, seconds)));
};
