import * as z from 'zod';
import type { Cycle } from '../cycle/cycle.ts';
import type { RunEnd } from '../cycle/cycle-delivery.ts';
import { systemAuthor } from '../platform/change.ts';
import { createChange } from '../platform/create-change.ts';
import { FaultError } from '../platform/fault.ts';
import {
  isFinished,
  type Operation,
  type OperationDependencies,
  operationExpiry,
  operationKind,
  progressed,
} from './operation.ts';
import { finishOperation } from './run-operation.ts';

/** What a synchronize operation was asked for. */
export const synchronizeInputSchema = z.object({ workloads: z.array(z.enum(['incoming', 'outgoing'])).min(1) });

/**
 * Tells a synchronize operation that one of its workloads has run, and how. The last one ends it. Can be repeated; an operation
 * that has ended or vanished is left as it is.
 */
export const reportSynchronized = async (
  dependencies: OperationDependencies,
  cycle: Pick<Cycle, 'organizationId' | 'workload'>,
  operationId: string,
  { succeeded, ...told }: RunEnd,
): Promise<void> => {
  const { store, now } = dependencies;
  try {
    const operation = await store.update(
      operationKind,
      cycle.organizationId,
      operationId,
      (current) => {
        if (isFinished(current)) return undefined;
        const { workloads } = synchronizeInputSchema.parse(current.input);
        const outcome = { status: succeeded ? 'success' : 'failure', ...told };
        const result = { ...current.result, [cycle.workload]: outcome };
        const done = workloads.filter((workload) => workload in result).length;
        const ended = done === workloads.length;
        const at = now();
        const next: Operation = {
          ...current,
          status: ended ? 'succeeded' : 'running',
          startedAt: current.startedAt ?? at.toISOString(),
          progress: { done, total: workloads.length },
          result,
          ...(ended ? { finishedAt: at.toISOString() } : {}),
        };
        if (next.status === current.status) return progressed(next);
        const changes = ended ? [createChange('operation.finished', systemAuthor, at)] : [];
        return { next, expiresAt: operationExpiry(current.createdAt), changes };
      },
      { now },
    );
    // The first end stands; this tells the bulk operation above, and the watchdog.
    if (isFinished(operation))
      await finishOperation(dependencies, cycle.organizationId, operationId, { status: 'succeeded' });
  } catch (error) {
    if (error instanceof FaultError && error.fault.code === 'notFound') return;
    throw error;
  }
};
