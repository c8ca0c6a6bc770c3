import * as z from 'zod';
import type { EntityKind } from '../platform/entity-store.ts';
import { entityShape, externalIdSchema } from '../platform/values.ts';
import { quotaSchema } from '../quota/quota.ts';
import { settingsSchema } from './settings.ts';

/** An organization with its settings in one item, so that a cycle reads both at once. */
export const organizationSchema = z.object({
  ...entityShape,
  externalId: externalIdSchema.nullable(),
  name: z.string().min(1).max(200),
  timeZone: z.string(),
  kind: z.enum(['production', 'sandbox']),
  status: z.enum(['active', 'suspended', 'erasing']),
  suspendReason: z.string().nullable(),
  settings: settingsSchema,
  /** What the operator grants it. */
  quota: quotaSchema.strip().prefault({}),
  /** Prefixes of tracking tokens before today's, the last one first: older mail still carries them. */
  formerTokenPrefixes: z.array(z.string()).optional(),
  settingsVersion: z.number().int().positive(),
  /** Wraps the organization's secrets; see platform/secrets.ts. Destroying it erases them. */
  secretSalt: z.string(),
});
export type Organization = z.output<typeof organizationSchema>;

/** Stored under its own identifier, like everything that belongs to it. */
export const organizationKind: EntityKind<Organization> = {
  kind: 'organization',
  prefix: 'org',
  parse: (stored) => organizationSchema.parse(stored),
};

/** Whether the organization's email moves: suspended ones rest, and those whose channel is the Email Router. */
export const movesEmail = ({ status, settings }: Organization): boolean =>
  status === 'active' && settings.processing.channel === 'serverSideSync';
