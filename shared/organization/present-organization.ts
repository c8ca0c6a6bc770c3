import * as z from 'zod';
import { quotaSchema } from '../quota/quota.ts';
import type { Organization } from './organization.ts';

/** An organization as its own keys and the feed see it. */
export const organizationAnswerSchema = z
  .object({
    id: z.string(),
    externalId: z.string().nullable(),
    name: z.string(),
    timeZone: z.string(),
    kind: z.enum(['production', 'sandbox']),
    status: z.enum(['active', 'suspended', 'erasing']),
    suspendReason: z.string().nullable(),
    quota: quotaSchema.meta({ description: 'What the operator grants it; null: nothing limits it.' }),
    createdAt: z.string(),
    updatedAt: z.string(),
    version: z.number().int(),
  })
  .meta({ id: 'Organization' });

export const presentOrganization = (organization: Organization): z.output<typeof organizationAnswerSchema> => ({
  id: organization.id,
  externalId: organization.externalId,
  name: organization.name,
  timeZone: organization.timeZone,
  kind: organization.kind,
  status: organization.status,
  suspendReason: organization.suspendReason,
  quota: organization.quota,
  createdAt: organization.createdAt,
  updatedAt: organization.updatedAt,
  version: organization.version,
});
