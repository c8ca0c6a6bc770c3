import type { LaneVerdict } from '../cycle/run-lane-batch.ts';
import { goOnLater } from '../operation/go-on-later.ts';
import { isFinished, type Operation, type OperationDependencies } from '../operation/operation.ts';
import { finishOperation, reportProgress } from '../operation/run-operation.ts';
import { resumeAt } from '../operation/wait-until.ts';
import { deploymentScope } from '../platform/records-table.ts';
import type { Timers } from '../platform/timers.ts';
import { type ErasureDependencies, eraseOrganization } from './erase-organization.ts';

export type RunErasureDependencies = ErasureDependencies & OperationDependencies & { readonly timers: Timers };

interface ErasureDelivery {
  readonly receiveCount: number;
  readonly remainingMilliseconds: number;
}

const endMarginMilliseconds = 10_000;
/** How long an erasure waits for runs that were in flight when it began. */
const waitSeconds = 15;
/**
 * A request or a function that was under way may write after all is gone, and a URL to upload to outlives its
 * organization by an hour, and an upload that began in its last minute the URL. By then none is left.
 */
const secondLookMilliseconds = 7_200_000;

const addCounts = (one: Operation['result'], other: Readonly<Record<string, number>>): Record<string, number> => {
  const sum: Record<string, number> = { ...other };
  for (const [kind, number] of Object.entries(one ?? {}))
    if (typeof number === 'number') sum[kind] = (sum[kind] ?? 0) + number;
  return sum;
};

const eraseUntilTimeOut = (deps: RunErasureDependencies, operation: Operation, delivery: ErasureDelivery) =>
  eraseOrganization(
    deps,
    operation.subject.id,
    deps.now().getTime() + delivery.remainingMilliseconds - endMarginMilliseconds,
  );

const goOn = (deps: RunErasureDependencies, { id, subject }: Operation, delivery: ErasureDelivery) =>
  goOnLater(deps, { organizationId: deploymentScope, id, group: subject.id }, delivery, waitSeconds);

/**
 * What a delivery of an erasure does that has ended: once more the same, two hours later, for what was written while
 * it ran. Before that it sees to it that they do not pass unnoticed.
 */
const lookAgain = async (
  deps: RunErasureDependencies,
  operation: Operation,
  delivery: ErasureDelivery,
): Promise<LaneVerdict> => {
  const { id, subject, finishedAt } = operation;
  if (operation.status !== 'succeeded' || finishedAt === undefined) return { done: true };
  const due = Date.parse(finishedAt) + secondLookMilliseconds;
  if (deps.now().getTime() >= due) {
    const { done } = await eraseUntilTimeOut(deps, operation, delivery);
    if (!done) return goOn(deps, operation, delivery);
    await deps.operationWatch.end(deploymentScope, id);
    return { done: true };
  }
  const { deadline } = operation;
  await resumeAt(deps, { organizationId: deploymentScope, id, group: subject.id, deadline }, due);
  return { done: true };
};

/** The operation that erases an organization. It may end anywhere and goes on where it was; ended, it looks once more. */
export const runErasure = async (
  deps: RunErasureDependencies,
  operation: Operation,
  delivery: ErasureDelivery,
): Promise<LaneVerdict> => {
  if (isFinished(operation)) return lookAgain(deps, operation, delivery);
  const { done, removed } = await eraseUntilTimeOut(deps, operation, delivery);
  const result = addCounts(operation.result, removed);
  if (!done) {
    await reportProgress(deps, deploymentScope, operation.id, operation.progress, result);
    return goOn(deps, operation, delivery);
  }
  const finished = await finishOperation(deps, deploymentScope, operation.id, { status: 'succeeded', result });
  return lookAgain(deps, finished, delivery);
};
