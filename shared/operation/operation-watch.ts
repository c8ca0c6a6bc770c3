import { DeleteCommand, type DynamoDBDocumentClient, PutCommand } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod';

/**
 * What the watchdog knows of an operation that is not finished: an item of the cycles table, key
 * pk = `<organization>#<operation>`, sk = `operation`. Instants are epoch milliseconds.
 */
export const watchedOperationSchema = z.object({
  v: z.literal(1),
  organizationId: z.string(),
  operationId: z.string(),
  /** Message group of the operation, for sending its message again. */
  group: z.string(),
  due: z.number(),
  /** Past it the operation is failed. */
  deadline: z.number(),
});
export type WatchedOperation = z.output<typeof watchedOperationSchema>;

export const watchedOperationSortKey = 'operation';

/** The timer of an operation that waits until an instant (epoch milliseconds). */
export const operationTimerName = (operationId: string, due: number): string => `${operationId}-${due.toString(36)}`;

/** Puts unfinished operations under the eyes of the watchdog. Both calls can be repeated. */
export interface OperationWatch {
  begin(operation: Omit<WatchedOperation, 'v'>): Promise<void>;
  end(organizationId: string, operationId: string): Promise<void>;
}

export const createOperationWatch = (document: DynamoDBDocumentClient, TableName: string): OperationWatch => {
  const keyOf = (organizationId: string, operationId: string) => ({
    pk: `${organizationId}#${operationId}`,
    sk: watchedOperationSortKey,
  });
  return {
    begin: async (operation) => {
      const Item = { ...keyOf(operation.organizationId, operation.operationId), v: 1, ...operation };
      await document.send(new PutCommand({ TableName, Item }));
    },
    end: async (organizationId, operationId) => {
      await document.send(new DeleteCommand({ TableName, Key: keyOf(organizationId, operationId) }));
    },
  };
};
