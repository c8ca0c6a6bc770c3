import * as z from 'zod';
import type { EntityKind, EntityStore } from '../platform/entity-store.ts';
import { faultSchema } from '../platform/fault.ts';
import { entityShape } from '../platform/values.ts';
import { operationExpiry } from './operation.ts';

/** One item of bulk work with its own outcome. Its identifier is `<operation>#<number>`, so items list in order. */
export const operationItemSchema = z.object({
  ...entityShape,
  number: z.int().nonnegative(),
  subject: z.object({ type: z.string(), id: z.string() }),
  status: z.enum(['queued', 'succeeded', 'failed', 'skipped', 'cancelled']),
  /** The operation that carries the item out, where it needs one. */
  operationId: z.string().optional(),
  result: z.record(z.string(), z.unknown()).optional(),
  fault: faultSchema.optional(),
});
export type OperationItem = z.output<typeof operationItemSchema>;

export type OperationItemOutcome = Pick<OperationItem, 'result' | 'fault' | 'operationId'> & {
  readonly status: Exclude<OperationItem['status'], 'queued'>;
};

export const operationItemKind: EntityKind<OperationItem> = {
  kind: 'operationItem',
  prefix: 'opn',
  parse: (stored) => operationItemSchema.parse(stored),
};

export const operationItemId = (operationId: string, number: number): string =>
  `${operationId}#${String(number).padStart(6, '0')}`;

/** The range of identifiers that the items of an operation have. */
export const operationItemRange = (operationId: string): { readonly from: string; readonly to: string } => ({
  from: `${operationId}#`,
  to: `${operationId}#~`,
});

/** Notes an item before its work begins; an item that stands there already is kept as it is. */
export const createOperationItem = async (
  store: EntityStore,
  organizationId: string,
  operation: { readonly id: string; readonly createdAt: string },
  item: Pick<OperationItem, 'number' | 'subject' | 'operationId'>,
  now: Date,
): Promise<OperationItem> => {
  const id = operationItemId(operation.id, item.number);
  const existing = await store.get(operationItemKind, organizationId, id);
  if (existing !== undefined) return existing;
  const at = now.toISOString();
  return store.create(
    operationItemKind,
    organizationId,
    { id, version: 1, createdAt: at, updatedAt: at, status: 'queued', ...item },
    { expiresAt: operationExpiry(operation.createdAt) },
  );
};

/** As the API shows it. */
export const operationItemAnswerSchema = operationItemSchema
  .pick({ number: true, subject: true, status: true, operationId: true, result: true, fault: true })
  .meta({ id: 'OperationItem' });

export const presentOperationItem = (item: OperationItem): z.output<typeof operationItemAnswerSchema> => ({
  number: item.number,
  subject: item.subject,
  status: item.status,
  ...(item.operationId === undefined ? {} : { operationId: item.operationId }),
  ...(item.result === undefined ? {} : { result: item.result }),
  ...(item.fault === undefined ? {} : { fault: item.fault }),
});
