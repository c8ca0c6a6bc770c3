import * as z from 'zod';
import type { EntityKind } from '../platform/entity-store.ts';
import { entityShape, externalIdSchema, referenceSchema } from '../platform/values.ts';

/** A CRM record: contact, account, lead or any type that the CRM registered. */
export const crmRecordSchema = z.object({
  ...entityShape,
  externalId: externalIdSchema.nullable(),
  type: z.string(),
  displayName: z.string().min(1).max(400),
  emails: z.array(z.object({ address: z.string(), primary: z.boolean() })).max(10),
  owner: referenceSchema.nullable(),
  visibleTo: z.array(z.string()),
  status: z.enum(['active', 'inactive']),
  /** When the CRM made the record, which ranks records that share an address. */
  recordCreatedAt: z.string(),
  custom: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
  fields: z.record(z.string(), z.unknown()),
  origin: z.enum(['crm', 'mailbox']),
  /** SHA-256 over what the CRM owns, so that a digest shows drift without the content. */
  contentHash: z.string(),
});
export type CrmRecord = z.output<typeof crmRecordSchema>;

/** Records of all types share one partition; `type` scopes their externalIds. */
export const crmRecordKind: EntityKind<CrmRecord> = {
  kind: 'record',
  prefix: 'rec',
  externalScope: (record) => `record:${record.type}`,
  parse: (stored) => crmRecordSchema.parse(stored),
};
