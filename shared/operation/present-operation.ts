import * as z from 'zod';
import { faultSchema } from '../platform/fault.ts';
import { type Operation, operationKindSchema, operationStatusSchema } from './operation.ts';

/** An operation as the API and the feed show it. */
export const operationAnswerSchema = z
  .object({
    id: z.string(),
    kind: operationKindSchema,
    status: operationStatusSchema,
    subject: z.object({ type: z.string(), id: z.string() }),
    progress: z.object({ done: z.number().int(), total: z.number().int() }),
    result: z.record(z.string(), z.unknown()).optional(),
    fault: faultSchema.optional(),
    createdAt: z.string(),
    startedAt: z.string().optional(),
    finishedAt: z.string().optional(),
    version: z.number().int(),
  })
  .meta({ id: 'Operation' });

export const presentOperation = (operation: Operation): z.output<typeof operationAnswerSchema> => {
  const { id, kind, status, subject, progress, result, fault, createdAt, startedAt, finishedAt, version } = operation;
  return {
    id,
    kind,
    status,
    subject,
    progress,
    ...(result === undefined ? {} : { result }),
    ...(fault === undefined ? {} : { fault }),
    createdAt,
    ...(startedAt === undefined ? {} : { startedAt }),
    ...(finishedAt === undefined ? {} : { finishedAt }),
    version,
  };
};
