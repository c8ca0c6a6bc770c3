import { organizationKind } from '../organization/organization.ts';
import { createFault } from '../platform/fault.ts';
import { isFinished, type Operation, type OperationDependencies, type OperationKind } from './operation.ts';
import { finishOperation } from './run-operation.ts';

/** What reaches mail servers, and what begins such work for many mailboxes. */
const reachesServers: ReadonlySet<OperationKind> = new Set([
  'testAndEnable',
  'testServerProfile',
  'trackMessage',
  'reprocess',
  'bulkMailboxes',
]);

/**
 * Keeps operations of a suspended organization from its mail servers: one that somebody asked for before fails with
 * `organizationSuspended` and can be asked for again; bulk work waits where it is.
 *
 * @returns the operation as it stands now, or that it has to wait
 */
export const restWhileSuspended = async (
  dependencies: OperationDependencies,
  organizationId: string,
  operation: Operation,
): Promise<Operation | 'waits'> => {
  if (isFinished(operation) || !reachesServers.has(operation.kind)) return operation;
  const organization = await dependencies.store.get(organizationKind, organizationId, organizationId);
  if (organization?.status !== 'suspended') return operation;
  if (operation.kind === 'bulkMailboxes') return 'waits';
  const fault = createFault('organizationSuspended');
  return finishOperation(dependencies, organizationId, operation.id, { status: 'failed', fault });
};
