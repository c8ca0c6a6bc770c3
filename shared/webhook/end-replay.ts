import type { OperationDependencies } from '../operation/operation.ts';
import { finishOperation, type OperationOutcome } from '../operation/run-operation.ts';
import type { Author } from '../platform/change.ts';
import { FaultError } from '../platform/fault.ts';
import type { WebhookStates } from './webhook-states.ts';

/** Ends the operation of a replay; one that is gone has been erased with its organization. */
export const endReplay = async (
  deps: OperationDependencies,
  organizationId: string,
  operationId: string,
  outcome: OperationOutcome,
  options: { readonly author?: Author } = {},
): Promise<void> => {
  try {
    await finishOperation(deps, organizationId, operationId, outcome, options);
  } catch (error) {
    if (!(error instanceof FaultError && error.fault.code === 'notFound')) throw error;
  }
};

/** What is left to do once a webhook is deleted: its replay is cancelled, and its state goes. Can be repeated. */
export const endDeleted = async (
  deps: OperationDependencies & { readonly webhookStates: WebhookStates },
  organizationId: string,
  webhookId: string,
  options: { readonly author?: Author } = {},
): Promise<void> => {
  const { webhookStates } = deps;
  const replay = (await webhookStates.read(organizationId, webhookId))?.replay;
  // The state first: without it the message of the operation, which the watchdog repeats, knows what to do.
  await webhookStates.remove(organizationId, webhookId);
  if (replay != null) await endReplay(deps, organizationId, replay.operationId, { status: 'cancelled' }, options);
};
