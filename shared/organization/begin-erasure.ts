import { auditWrite } from '../audit/audit-write.ts';
import { createOperation } from '../operation/create-operation.ts';
import { isFinished, type Operation, type OperationDependencies, operationKind } from '../operation/operation.ts';
import { type Author, systemAuthor } from '../platform/change.ts';
import { FaultError } from '../platform/fault.ts';
import { deriveIdentifier } from '../platform/identifier.ts';
import { deploymentScope } from '../platform/records-table.ts';
import { createSecretSalt } from '../platform/secrets.ts';
import { refuseField } from '../platform/validate.ts';
import { organizationKind } from './organization.ts';

const deadlineSeconds = 7 * 86_400;

/**
 * Accepts the erasure of an organization. The operation belongs to the deployment, so that it can be read when the
 * organization is gone, and it is the same one however often this is asked, unless it has failed. It comes first: it
 * marks the organization itself, should this call end before doing so.
 *
 * @throws FaultError notFound, invalidRequest (the confirmation is not the name), versionMismatch
 */
export const beginErasure = async (
  dependencies: OperationDependencies & { readonly author: Author },
  id: string,
  confirm: string,
  ifMatch: number | undefined,
): Promise<Operation> => {
  const { store } = dependencies;
  const organization = await store.get(organizationKind, id, id);
  if (organization === undefined) throw new FaultError('notFound');
  if (ifMatch !== undefined && ifMatch !== organization.version) throw new FaultError('versionMismatch');
  if (confirm !== organization.name)
    throw refuseField('#/query/confirm', 'invalidValue', 'confirm must be the name of the organization');
  const request = {
    organizationId: deploymentScope,
    kind: 'eraseOrganization' as const,
    subject: { type: 'organization', id },
    mailboxGroup: id,
    input: {},
    deadlineSeconds,
  };
  const firstId = deriveIdentifier('opn', Date.parse(organization.createdAt), `erase#${id}`);
  const first = await store.get(operationKind, deploymentScope, firstId);
  const again = first !== undefined && isFinished(first);
  const operation = await createOperation(dependencies, again ? request : { ...request, id: firstId });
  await markErasing(dependencies, id, dependencies.author);
  return operation;
};

/**
 * From here on no key of the organization opens anything, no run begins, and no secret of it can be opened again.
 * Nothing happens when it is gone.
 */
export const markErasing = async (
  { store, now }: Pick<OperationDependencies, 'store' | 'now'>,
  id: string,
  author: Author = systemAuthor,
): Promise<void> => {
  try {
    await store.update(
      organizationKind,
      id,
      id,
      (current) => {
        if (current.status === 'erasing') return undefined;
        const act = {
          author,
          now: now(),
          action: 'organization.erasing' as const,
          subject: { type: 'organization', id },
        };
        const next = { ...current, status: 'erasing' as const, secretSalt: createSecretSalt() };
        return { next, also: [auditWrite(id, { ...act, before: current, after: next })] };
      },
      { now },
    );
  } catch (error) {
    if (!(error instanceof FaultError) || error.fault.code !== 'notFound') throw error;
  }
};
