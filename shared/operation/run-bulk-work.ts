import type { LaneVerdict } from '../cycle/run-lane-batch.ts';
import { FaultError } from '../platform/fault.ts';
import { goOnLater } from './go-on-later.ts';
import {
  isFinished,
  type Operation,
  type OperationDependencies,
  operationExpiry,
  operationKind,
  progressed,
} from './operation.ts';
import {
  createOperationItem,
  type OperationItem,
  type OperationItemOutcome,
  operationItemKind,
  operationItemRange,
} from './operation-item.ts';
import { recordItemOutcome } from './record-item-outcome.ts';
import { finishOperation, reportProgress } from './run-operation.ts';
import { type WaitDependencies, waitUntil } from './wait-until.ts';

export interface BulkDelivery {
  readonly receiveCount: number;
  readonly remainingMilliseconds: number;
}

/** What is to be done to many things, one after the other. */
export interface BulkWork {
  readonly select: () => Promise<readonly OperationItem['subject'][]>;
  /**
   * Does it to one. Can be repeated. `operationId`: the item is done when that operation has ended. A FaultError fails
   * the item alone.
   */
  readonly process: (item: OperationItem) => Promise<OperationItemOutcome | { readonly operationId: string }>;
  /** At most so many items in so many seconds. */
  readonly pace?: { readonly count: number; readonly perSeconds: number } | undefined;
}

export type BulkDependencies = OperationDependencies & WaitDependencies;

type PaceWindow = NonNullable<Operation['window']>;

interface BulkRun {
  readonly dependencies: BulkDependencies;
  readonly organizationId: string;
  readonly operation: Operation;
  readonly work: BulkWork;
  /** Epoch milliseconds at which this step ends and another one is asked for. */
  readonly deadline: number;
}

const endMarginMilliseconds = 20_000;
const itemsBetweenLooks = 10;
const itemsPerPage = 100;

/** Every item of the operation in order. */
async function* listItems({ dependencies, organizationId, operation }: BulkRun): AsyncGenerator<OperationItem> {
  let after: Readonly<Record<string, unknown>> | undefined;
  do {
    const page = await dependencies.store.list(operationItemKind, organizationId, {
      limit: itemsPerPage,
      after,
      ascending: true,
      ...operationItemRange(operation.id),
    });
    yield* page.items;
    after = page.after;
  } while (after !== undefined);
}

/** Notes each selected thing as an item, then how many there are. Begun again it goes on behind those that stand. */
const expand = async (run: BulkRun): Promise<number | 'outOfTime'> => {
  const { dependencies, organizationId, operation, work, deadline } = run;
  const { store, now } = dependencies;
  const noted = new Set<string>();
  for await (const item of listItems(run)) noted.add(item.subject.id);
  let number = noted.size;
  const missing = (await work.select()).filter(({ id }) => !noted.has(id));
  // One after the other: numbers without a gap tell, after a crash, where to go on.
  for (const subject of missing) {
    if (now().getTime() >= deadline) return 'outOfTime';
    await createOperationItem(store, organizationId, operation, { number, subject }, now());
    number += 1;
  }
  await reportProgress(dependencies, organizationId, operation.id, { done: operation.progress.done, total: number });
  return number;
};

/** Notes which operation carries the item out, so that later steps do not look at it again. */
const noteStarted = async (run: BulkRun, item: OperationItem, operationId: string): Promise<void> => {
  const { dependencies, organizationId, operation } = run;
  await dependencies.store.update(
    operationItemKind,
    organizationId,
    item.id,
    (current) =>
      current.status === 'queued' && current.operationId === undefined
        ? { next: { ...current, operationId }, expiresAt: operationExpiry(operation.createdAt) }
        : undefined,
    { now: dependencies.now },
  );
};

const processItem = async (run: BulkRun, item: OperationItem): Promise<void> => {
  const { dependencies, organizationId, operation, work } = run;
  const record = (outcome: OperationItemOutcome) =>
    recordItemOutcome(dependencies, organizationId, operation.id, item.number, outcome);
  try {
    const outcome = await work.process(item);
    if ('status' in outcome) await record(outcome);
    else await noteStarted(run, item, outcome.operationId);
  } catch (error) {
    if (!(error instanceof FaultError)) throw error;
    await record({ status: 'failed', fault: error.fault });
  }
};

const isCancelled = async ({ dependencies, organizationId, operation }: BulkRun): Promise<boolean> => {
  const current = await dependencies.store.get(operationKind, organizationId, operation.id);
  return current === undefined || isFinished(current);
};

/**
 * Opens the next window of paced work before its first item is begun, so that the pace holds whatever crashes and
 * whichever message goes on.
 */
const openWindow = async (
  { dependencies: { store, now }, organizationId, operation }: BulkRun,
  first: number,
  perSeconds: number,
): Promise<PaceWindow> => {
  const window = { first, until: new Date(now().getTime() + perSeconds * 1000).toISOString() };
  await store.update(
    operationKind,
    organizationId,
    operation.id,
    (current) => (isFinished(current) ? undefined : progressed({ ...current, window })),
    { now },
  );
  return window;
};

/** Works off what has not begun, as much as the pace allows now: `until` (epoch milliseconds) when it allows no more. */
const processItems = async (run: BulkRun): Promise<'all' | 'outOfTime' | 'cancelled' | { readonly until: number }> => {
  const { dependencies, work, deadline } = run;
  let { window } = run.operation;
  let begun = 0;
  for await (const item of listItems(run)) {
    if (item.status !== 'queued' || item.operationId !== undefined) continue;
    if (dependencies.now().getTime() >= deadline) return 'outOfTime';
    if (work.pace !== undefined) {
      const { count, perSeconds } = work.pace;
      if (window === undefined || Date.parse(window.until) <= dependencies.now().getTime())
        window = await openWindow(run, item.number, perSeconds);
      if (item.number >= window.first + count) return { until: Date.parse(window.until) };
    }
    if (begun % itemsBetweenLooks === 0 && (await isCancelled(run))) return 'cancelled';
    await processItem(run, item);
    begun += 1;
  }
  return 'all';
};

const goOn = ({ dependencies, organizationId, operation }: BulkRun, delivery: BulkDelivery, waitSeconds: number) =>
  goOnLater(dependencies, { organizationId, id: operation.id, group: operation.id }, delivery, waitSeconds);

/**
 * One step of bulk work; the lane calls it until it is done. Whatever step a crash ends, the next one goes on behind
 * it. Items that need an operation of their own end with that one, and the last item ends the whole.
 */
export const runBulkWork = async (
  dependencies: BulkDependencies,
  organizationId: string,
  operation: Operation,
  delivery: BulkDelivery,
  work: BulkWork,
): Promise<LaneVerdict> => {
  const deadline = dependencies.now().getTime() + delivery.remainingMilliseconds - endMarginMilliseconds;
  const run: BulkRun = { dependencies, organizationId, operation, work, deadline };
  const isExpanded = operation.progress.total > 0;
  const total = isExpanded ? operation.progress.total : await expand(run);
  if (total === 'outOfTime') return goOn(run, delivery, 1);
  if (total === 0) {
    await finishOperation(dependencies, organizationId, operation.id, { status: 'succeeded', result: {} });
    return { done: true };
  }
  const outcome = await processItems(run);
  if (outcome === 'outOfTime') return goOn(run, delivery, 1);
  if (typeof outcome === 'string') return { done: true };
  const { id, deadline: latest } = operation;
  return waitUntil(dependencies, { organizationId, id, group: id, deadline: latest }, delivery, outcome.until);
};
