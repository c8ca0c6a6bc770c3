import type { LaneVerdict } from '../cycle/run-lane-batch.ts';
import { isFinished, type Operation, operationExpiry, operationKind } from '../operation/operation.ts';
import {
  createOperationItem,
  type OperationItem,
  operationItemKind,
  operationItemRange,
} from '../operation/operation-item.ts';
import { operationMessage } from '../operation/operation-message.ts';
import { recordItemOutcome } from '../operation/record-item-outcome.ts';
import { finishOperation, reportProgress } from '../operation/run-operation.ts';
import { organizationKind } from '../organization/organization.ts';
import { FaultError } from '../platform/fault.ts';
import { checkAction, runAction } from './bulk-actions.ts';
import { type BulkInput, bulkOrderSchema } from './bulk-input.ts';
import { selectMailboxes } from './bulk-selection.ts';
import type { StartContext } from './start-test.ts';

type BulkDependencies = Omit<StartContext, 'organization' | 'author'>;

interface Delivery {
  readonly receiveCount: number;
  readonly remainingMilliseconds: number;
}

interface BulkRun {
  readonly context: StartContext;
  readonly operation: Operation;
  readonly request: BulkInput;
  /** Epoch milliseconds at which this step ends and another one is asked for. */
  readonly deadline: number;
}

const endMarginMilliseconds = 20_000;
const itemsBetweenLooks = 10;
const itemsPerPage = 100;
/** The queue gives a message up after 50 deliveries; a fresh one goes on well before. */
const deliveriesBeforeFreshMessage = 40;

/** Every item of the operation from a number on, in order. */
async function* listItems({ context, operation }: BulkRun): AsyncGenerator<OperationItem> {
  const { store, organization } = context;
  let after: Readonly<Record<string, unknown>> | undefined;
  do {
    const page = await store.list(operationItemKind, organization.id, {
      limit: itemsPerPage,
      after,
      ascending: true,
      ...operationItemRange(operation.id),
    });
    yield* page.items;
    after = page.after;
  } while (after !== undefined);
}

/**
 * Notes each selected mailbox as an item, queues before users, then how many there are. Begun again it goes on behind
 * the items that stand already.
 */
const expand = async (run: BulkRun): Promise<number | 'outOfTime'> => {
  const { context, operation, request, deadline } = run;
  const { store, organization, now } = context;
  const noted = new Set<string>();
  for await (const item of listItems(run)) noted.add(item.subject.id);
  let number = noted.size;
  const missing = (await selectMailboxes(store, organization.id, request.select)).filter((id) => !noted.has(id));
  // One after the other: numbers without a gap tell, after a crash, where to go on.
  for (const id of missing) {
    if (now().getTime() >= deadline) return 'outOfTime';
    await createOperationItem(store, organization.id, operation, { number, subject: { type: 'mailbox', id } }, now());
    number += 1;
  }
  await reportProgress(context, organization.id, operation.id, { done: operation.progress.done, total: number });
  return number;
};

/** Notes which operation carries the item out, so that later steps do not look at it again. */
const noteStarted = async (run: BulkRun, item: OperationItem, operationId: string): Promise<void> => {
  const { store, organization, now } = run.context;
  await store.update(
    operationItemKind,
    organization.id,
    item.id,
    (current) =>
      current.status === 'queued' && current.operationId === undefined
        ? { next: { ...current, operationId }, expiresAt: operationExpiry(run.operation.createdAt) }
        : undefined,
    { now },
  );
};

const processItem = async (run: BulkRun, item: OperationItem): Promise<void> => {
  const { context, operation, request } = run;
  const parent = { operationId: operation.id, item: item.number };
  const record = (outcome: Parameters<typeof recordItemOutcome>[4]) =>
    recordItemOutcome(context, context.organization.id, operation.id, item.number, outcome);
  try {
    if (request.dryRun) {
      await checkAction(context, item.subject.id, request);
      await record({ status: 'skipped', result: { dryRun: true, action: request.action } });
      return;
    }
    const outcome = await runAction(context, item.subject.id, request, parent);
    if (outcome === 'done') await record({ status: 'succeeded' });
    else await noteStarted(run, item, outcome.operation.id);
  } catch (error) {
    if (!(error instanceof FaultError)) throw error;
    await record({ status: 'failed', fault: error.fault });
  }
};

const isCancelled = async ({ context, operation }: BulkRun): Promise<boolean> => {
  const current = await context.store.get(operationKind, context.organization.id, operation.id);
  return current === undefined || isFinished(current);
};

/** Works off what has not begun, at most as much as the pace allows. */
const processItems = async (run: BulkRun): Promise<'all' | 'paced' | 'outOfTime' | 'cancelled'> => {
  const { context, request, deadline } = run;
  let begun = 0;
  for await (const item of listItems(run)) {
    if (item.status !== 'queued' || item.operationId !== undefined) continue;
    if (request.pace !== undefined && begun >= request.pace.count) return 'paced';
    if (context.now().getTime() >= deadline) return 'outOfTime';
    if (begun % itemsBetweenLooks === 0 && (await isCancelled(run))) return 'cancelled';
    await processItem(run, item);
    begun += 1;
  }
  return 'all';
};

/** Asks for the next step after a wait; by a fresh message when this one has been delivered too often. */
const goOn = async (run: BulkRun, delivery: Delivery, waitSeconds: number): Promise<LaneVerdict> => {
  const { context, operation } = run;
  if (delivery.receiveCount < deliveriesBeforeFreshMessage) return { done: false, waitSeconds };
  const occasion = String(context.now().getTime());
  const message = operationMessage(context.organization.id, operation.id, operation.id, occasion);
  await context.queues.send('operations', operation.id, `${operation.id}.${occasion}`, message);
  return { done: true };
};

/**
 * One step of bulk work on mailboxes; the lane calls it until it is done. Whatever step a crash ends, the next one goes
 * on behind it. Items that need an operation of their own end with that one, and the last item ends the whole.
 */
export const runBulkStep = async (
  dependencies: BulkDependencies,
  organizationId: string,
  operation: Operation,
  delivery: Delivery,
): Promise<LaneVerdict> => {
  const { store, now } = dependencies;
  const organization = await store.get(organizationKind, organizationId, organizationId);
  if (organization === undefined) return { done: true };
  const { request, author } = bulkOrderSchema.parse(operation.input);
  const run: BulkRun = {
    context: { ...dependencies, organization, author },
    operation,
    request,
    deadline: now().getTime() + delivery.remainingMilliseconds - endMarginMilliseconds,
  };
  const isExpanded = operation.progress.total > 0;
  const total = isExpanded ? operation.progress.total : await expand(run);
  if (total === 'outOfTime') return goOn(run, delivery, 1);
  if (total === 0) {
    await finishOperation(dependencies, organizationId, operation.id, { status: 'succeeded', result: {} });
    return { done: true };
  }
  // A fresh message begins with the wait that the one before it could not make.
  if (isExpanded && request.pace !== undefined && delivery.receiveCount === 1)
    return { done: false, waitSeconds: request.pace.perSeconds };
  const state = await processItems(run);
  if (state === 'paced') return goOn(run, delivery, request.pace?.perSeconds ?? 1);
  if (state === 'outOfTime') return goOn(run, delivery, 1);
  return { done: true };
};
