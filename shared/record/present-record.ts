import { z } from 'zod';
import { type CrmRecord, crmRecordSchema } from './record.ts';

/** A record as the API and the feed show it. `createdAt` is when the CRM made it. */
export const recordAnswerSchema = crmRecordSchema
  .omit({ owner: true, recordCreatedAt: true, contentHash: true })
  .extend({ ownerId: z.string().nullable() })
  .meta({ id: 'Record' });

export const presentRecord = (record: CrmRecord): z.output<typeof recordAnswerSchema> => {
  const { owner, recordCreatedAt, contentHash: _, ...shown } = record;
  return { ...shown, createdAt: recordCreatedAt, ownerId: owner?.id ?? null };
};
