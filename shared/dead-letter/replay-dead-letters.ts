import * as z from 'zod';
import type { LaneVerdict } from '../cycle/run-lane-batch.ts';
import type { Operation } from '../operation/operation.ts';
import { type BulkDelivery, type BulkDependencies, runBulkWork } from '../operation/run-bulk-work.ts';
import { organizationKind } from '../organization/organization.ts';
import type { EntityStore } from '../platform/entity-store.ts';
import { partition } from '../platform/records-table.ts';
import { askedKindSchema, deadLetterKind } from './dead-letter.ts';
import { type ReplayDependencies, replayDeadLetter } from './replay-dead-letter.ts';

/** Which of the open dead letters. */
export const deadLetterFilterSchema = z.strictObject({
  mailboxId: z.string().max(250).optional(),
  kind: askedKindSchema.optional(),
});
type DeadLetterFilter = z.output<typeof deadLetterFilterSchema>;

const pageSize = 100;

const selectOpen = async (store: EntityStore, organizationId: string, filter: DeadLetterFilter) => {
  const { kind } = deadLetterKind;
  const index =
    filter.mailboxId === undefined
      ? {}
      : { index: { name: 'byMailbox' as const, key: `${partition(organizationId, kind)}#${filter.mailboxId}` } };
  const subjects: { type: string; id: string }[] = [];
  let after: Readonly<Record<string, unknown>> | undefined;
  do {
    const page = await store.list(deadLetterKind, organizationId, {
      limit: pageSize,
      after,
      ascending: true,
      ...index,
    });
    for (const letter of page.items)
      if (letter.status === 'open' && (filter.kind ?? letter.kind) === letter.kind)
        subjects.push({ type: kind, id: letter.id });
    after = page.after;
  } while (after !== undefined);
  return subjects;
};

/** One step of replaying many dead letters, oldest first; the lane calls it until it is done. */
export const runReplays = async (
  dependencies: ReplayDependencies & BulkDependencies,
  organizationId: string,
  operation: Operation,
  delivery: BulkDelivery,
): Promise<LaneVerdict> => {
  const { store } = dependencies;
  const organization = await store.get(organizationKind, organizationId, organizationId);
  if (organization === undefined) return { done: true };
  const filter = deadLetterFilterSchema.parse(operation.input);
  return runBulkWork(dependencies, organizationId, operation, delivery, {
    select: () => selectOpen(store, organizationId, filter),
    process: async ({ subject }) => ({
      status: 'succeeded',
      result: { ...(await replayDeadLetter(dependencies, organization, subject.id)) },
    }),
  });
};
