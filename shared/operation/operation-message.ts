import type { OperationMessage } from '../cycle/lane-message.ts';

/** The queue message that starts an operation; `group` is its message group. */
export const operationMessage = (
  organizationId: string,
  group: string,
  operationId: string,
  occasion?: string,
): OperationMessage => ({
  v: 1,
  organizationId,
  mailboxId: group,
  workload: 'operations',
  operationId,
  ...(occasion === undefined ? {} : { occasion }),
});
