import * as z from 'zod';
import { type CrmRecord, crmRecordSchema } from './record.ts';

/** A record as the API and the feed show it. `createdAt` is when the CRM made it. */
export const recordAnswerSchema = crmRecordSchema
  .omit({ owner: true, recordCreatedAt: true })
  .extend({ ownerId: z.string().nullable() })
  .meta({ id: 'Record' });

export const presentRecord = (record: CrmRecord): z.output<typeof recordAnswerSchema> => {
  const { owner, recordCreatedAt, ...shown } = record;
  return { ...shown, createdAt: recordCreatedAt, ownerId: owner?.id ?? null };
};

/** Enough to find what drifted. */
export const recordDigestSchema = crmRecordSchema
  .pick({ id: true, externalId: true, version: true, contentHash: true })
  .meta({ id: 'RecordDigest' });

export const presentRecordDigest = (record: CrmRecord): z.output<typeof recordDigestSchema> => {
  const { id, externalId, version, contentHash } = record;
  return { id, externalId, version, contentHash };
};
