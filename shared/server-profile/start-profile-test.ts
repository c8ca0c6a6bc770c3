import { createOperation } from '../operation/create-operation.ts';
import type { Operation, OperationDependencies } from '../operation/operation.ts';
import { FaultError } from '../platform/fault.ts';
import { serverProfileKind } from './server-profile.ts';

const deadlineSeconds = 900;

/**
 * Starts a test of both servers of a profile; repeated with the same operation id it finds the first.
 *
 * @throws FaultError notFound, versionMismatch
 */
export const startProfileTest = async (
  dependencies: OperationDependencies,
  organizationId: string,
  serverProfileId: string,
  options: { readonly operationId: string; readonly ifMatch: number | undefined },
): Promise<Operation> => {
  const profile = await dependencies.store.get(serverProfileKind, organizationId, serverProfileId);
  if (profile === undefined) throw new FaultError('notFound');
  if (options.ifMatch !== undefined && options.ifMatch !== profile.version) throw new FaultError('versionMismatch');
  return createOperation(dependencies, {
    organizationId,
    kind: 'testServerProfile',
    subject: { type: 'serverProfile', id: serverProfileId },
    mailboxGroup: serverProfileId,
    input: {},
    deadlineSeconds,
    id: options.operationId,
  });
};
