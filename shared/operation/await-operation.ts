import type { EntityStore } from '../platform/entity-store.ts';
import { FaultError } from '../platform/fault.ts';
import { isFinished, type Operation, operationKind } from './operation.ts';

// A finished operation is seen within this time; each look costs one small read.
const shortestPause = 150;
const longestPause = 1_000;

/**
 * The operation as soon as it has finished, or as it stands when the time is over.
 *
 * @param waitSeconds 0 answers at once
 * @throws FaultError notFound
 */
export const awaitOperation = async (
  { store, now }: { readonly store: EntityStore; readonly now: () => Date },
  organizationId: string,
  operationId: string,
  waitSeconds: number,
): Promise<Operation> => {
  const end = now().getTime() + waitSeconds * 1000;
  for (let pause = shortestPause; ; pause = Math.min(longestPause, pause * 1.25)) {
    const operation = await store.get(operationKind, organizationId, operationId);
    if (operation === undefined) throw new FaultError('notFound');
    const left = end - now().getTime();
    if (isFinished(operation) || left <= 0) return operation;
    await new Promise((resolve) => setTimeout(resolve, Math.min(pause, left)));
  }
};
