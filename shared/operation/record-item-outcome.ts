import { systemAuthor } from '../platform/change.ts';
import { createChange } from '../platform/create-change.ts';
import { FaultError } from '../platform/fault.ts';
import { recordKey } from '../platform/records-table.ts';
import {
  isFinished,
  type Operation,
  type OperationDependencies,
  operationExpiry,
  operationKind,
  progressed,
} from './operation.ts';
import { type OperationItemOutcome, operationItemId, operationItemKind } from './operation-item.ts';

const countsOf = (result: Operation['result']): Record<string, number> =>
  Object.fromEntries(
    Object.entries(result ?? {}).filter((entry): entry is [string, number] => typeof entry[1] === 'number'),
  );

/**
 * Notes the outcome of one item of bulk work and counts it in the operation, together and once however often it is
 * repeated. The last item ends the operation; its result counts the items by outcome. The item must stand (see
 * createOperationItem); an operation that has vanished is left alone.
 */
export const recordItemOutcome = async (
  { store, operationWatch, now }: OperationDependencies,
  organizationId: string,
  operationId: string,
  number: number,
  outcome: OperationItemOutcome,
): Promise<Operation | undefined> => {
  const itemId = operationItemId(operationId, number);
  try {
    const operation = await store.update(
      operationKind,
      organizationId,
      operationId,
      async (current) => {
        const item = await store.get(operationItemKind, organizationId, itemId);
        if (item === undefined || item.status !== 'queued') return undefined;
        const at = now();
        const counts = countsOf(current.result);
        const done = current.progress.done + 1;
        const ends = !isFinished(current) && done === current.progress.total;
        const next: Operation = {
          ...current,
          progress: { ...current.progress, done },
          result: { ...counts, [outcome.status]: (counts[outcome.status] ?? 0) + 1 },
        };
        const ended: Operation = { ...next, status: 'succeeded', finishedAt: at.toISOString() };
        const stored = { ...item, ...outcome, version: item.version + 1, updatedAt: at.toISOString() };
        return {
          ...(ends
            ? {
                next: ended,
                expiresAt: operationExpiry(current.createdAt),
                changes: [createChange('operation.finished', systemAuthor, at)],
              }
            : progressed(next)),
          also: [
            {
              put: {
                ...recordKey(organizationId, operationItemKind.kind, itemId),
                v: 1,
                kind: operationItemKind.kind,
                organizationId,
                expiresAt: operationExpiry(current.createdAt),
                entity: stored,
              },
              condition: { expression: 'entity.version = :itemVersion', values: { ':itemVersion': item.version } },
            },
          ],
        };
      },
      { now },
    );
    if (isFinished(operation)) await operationWatch.end(organizationId, operationId);
    return operation;
  } catch (error) {
    if (error instanceof FaultError && error.fault.code === 'notFound') return undefined;
    throw error;
  }
};
