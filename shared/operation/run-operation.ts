import { isDeepStrictEqual } from 'node:util';
import type { Author } from '../platform/change.ts';
import { systemAuthor } from '../platform/change.ts';
import { createChange } from '../platform/create-change.ts';
import type { EntityChange, WriteAlso } from '../platform/entity-store.ts';
import { createFault, FaultError } from '../platform/fault.ts';
import { deploymentScope } from '../platform/records-table.ts';
import {
  isFinished,
  type Operation,
  type OperationDependencies,
  operationExpiry,
  operationKind,
  progressed,
} from './operation.ts';
import { recordItemOutcome } from './record-item-outcome.ts';

export interface OperationOutcome {
  readonly status: 'succeeded' | 'failed' | 'cancelled';
  readonly result?: Operation['result'];
  readonly fault?: Operation['fault'];
}

const written = (next: Operation, also: WriteAlso = {}): EntityChange<Operation> => ({
  next,
  expiresAt: operationExpiry(next.createdAt),
  ...also,
});

/**
 * Marks an operation as begun. Answers with it as it stands now: one that runs already is a redelivery after a crash
 * and goes on; one that is finished or cancelled must not be run. Undefined: there is no such operation.
 */
export const startOperation = async (
  { store, now }: OperationDependencies,
  organizationId: string,
  operationId: string,
): Promise<Operation | undefined> => {
  try {
    return await store.update(
      operationKind,
      organizationId,
      operationId,
      (current) =>
        current.status === 'queued'
          ? written({ ...current, status: 'running', startedAt: now().toISOString() })
          : undefined,
      { now },
    );
  } catch (error) {
    if (error instanceof FaultError && error.fault.code === 'notFound') return undefined;
    throw error;
  }
};

/** Tells how far a running operation is. Answers with it as it stands: look whether it was cancelled meanwhile. */
export const reportProgress = (
  { store, now }: OperationDependencies,
  organizationId: string,
  operationId: string,
  progress: Operation['progress'],
  result?: Operation['result'],
): Promise<Operation> =>
  store.update(
    operationKind,
    organizationId,
    operationId,
    (current) => {
      const { failedAttempts: _, ...begunAnew } = current;
      const next: Operation = { ...begunAnew, progress, ...(result === undefined ? {} : { result }) };
      return isFinished(current) || isDeepStrictEqual(current, next) ? undefined : progressed(next);
    },
    { now },
  );

/**
 * Counts an attempt that failed. Deliveries do not tell how many there were: a message also comes again where it had to
 * wait. Returns how many failed in a row.
 */
export const noteFailedAttempt = async (
  { store, now }: OperationDependencies,
  organizationId: string,
  operationId: string,
): Promise<number> => {
  const { failedAttempts = 0 } = await store.update(
    operationKind,
    organizationId,
    operationId,
    (current) =>
      isFinished(current) ? undefined : progressed({ ...current, failedAttempts: (current.failedAttempts ?? 0) + 1 }),
    { now },
  );
  return failedAttempts;
};

/**
 * Ends an operation and tells the feed. The first end stands, a cancellation included. Repeat it when the message of a
 * finished operation comes again: what a crash left out (the report to the bulk operation above, the watchdog's item)
 * is done then.
 */
export const finishOperation = async (
  dependencies: OperationDependencies,
  organizationId: string,
  operationId: string,
  outcome: OperationOutcome,
  options: { readonly author?: Author; readonly ifMatch?: number | undefined } = {},
): Promise<Operation> => {
  const { store, operationWatch, now } = dependencies;
  const operation = await store.update(
    operationKind,
    organizationId,
    operationId,
    (current) => {
      if (isFinished(current)) return undefined;
      const done = outcome.status === 'succeeded' ? current.progress.total : current.progress.done;
      const next: Operation = {
        ...current,
        status: outcome.status,
        progress: { ...current.progress, done },
        finishedAt: now().toISOString(),
        ...(outcome.result === undefined ? {} : { result: outcome.result }),
        ...(outcome.fault === undefined ? {} : { fault: outcome.fault }),
      };
      // What belongs to the deployment has no organization whose feed could tell it.
      if (organizationId === deploymentScope) return written(next);
      return written(next, { changes: [createChange('operation.finished', options.author ?? systemAuthor, now())] });
    },
    { now, ifMatch: options.ifMatch },
  );
  if (operation.parent !== undefined && operation.status !== 'queued' && operation.status !== 'running')
    await recordItemOutcome(dependencies, organizationId, operation.parent.operationId, operation.parent.item, {
      status: operation.status,
      operationId: operation.id,
      ...(operation.result === undefined ? {} : { result: operation.result }),
      ...(operation.fault === undefined ? {} : { fault: operation.fault }),
    });
  await operationWatch.end(organizationId, operationId);
  return operation;
};

/** Ends an operation whose deadline has passed. */
export const timeOutOperation = (
  dependencies: OperationDependencies,
  organizationId: string,
  operationId: string,
): Promise<Operation> =>
  finishOperation(dependencies, organizationId, operationId, {
    status: 'failed',
    fault: createFault('timedOut', {
      detail: 'The operation took longer than its limit',
      cause: 'The work was interrupted again and again, or a server did not answer',
      fix: 'Start the operation again',
    }),
  });

/**
 * Cancels what has not finished. A running operation stops at its next step. @throws FaultError notFound,
 * operationFinished, versionMismatch
 */
export const cancelOperation = async (
  dependencies: OperationDependencies,
  organizationId: string,
  operationId: string,
  author: Author,
  ifMatch: number | undefined,
): Promise<Operation> => {
  const current = await dependencies.store.get(operationKind, organizationId, operationId);
  if (current === undefined) throw new FaultError('notFound');
  if (isFinished(current)) throw new FaultError('operationFinished');
  const operation = await finishOperation(
    dependencies,
    organizationId,
    operationId,
    { status: 'cancelled' },
    { author, ifMatch },
  );
  if (operation.status !== 'cancelled') throw new FaultError('operationFinished');
  return operation;
};
