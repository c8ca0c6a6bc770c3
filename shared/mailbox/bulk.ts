import type { LaneVerdict } from '../cycle/run-lane-batch.ts';
import type { Operation } from '../operation/operation.ts';
import { type BulkDelivery, type BulkDependencies, runBulkWork } from '../operation/run-bulk-work.ts';
import { organizationKind } from '../organization/organization.ts';
import { checkAction, runAction } from './bulk-actions.ts';
import { bulkOrderSchema } from './bulk-input.ts';
import { selectMailboxes } from './bulk-selection.ts';
import type { StartContext } from './start-test.ts';

type MailboxBulkDependencies = Omit<StartContext, 'organization' | 'author'> & BulkDependencies;

/** One step of bulk work on mailboxes, queues before users; the lane calls it until it is done. */
export const runBulkStep = async (
  dependencies: MailboxBulkDependencies,
  organizationId: string,
  operation: Operation,
  delivery: BulkDelivery,
): Promise<LaneVerdict> => {
  const { store } = dependencies;
  const organization = await store.get(organizationKind, organizationId, organizationId);
  if (organization === undefined) return { done: true };
  const { request, author } = bulkOrderSchema.parse(operation.input);
  const context: StartContext = { ...dependencies, organization, author };
  return runBulkWork(dependencies, organizationId, operation, delivery, {
    pace: request.pace,
    select: async () =>
      (await selectMailboxes(store, organizationId, request.select)).map((id) => ({ type: 'mailbox', id })),
    process: async ({ number, subject }) => {
      if (request.dryRun) {
        await checkAction(context, subject.id, request);
        return { status: 'skipped', result: { dryRun: true, action: request.action } };
      }
      const outcome = await runAction(context, subject.id, request, { operationId: operation.id, item: number });
      return outcome === 'done' ? { status: 'succeeded' } : { operationId: outcome.operation.id };
    },
  });
};
