import * as z from 'zod';
import type { EntityKind } from '../platform/entity-store.ts';
import { entityShape, externalIdSchema } from '../platform/values.ts';

/** Which mail becomes a record. */
export const filteringSchema = z.enum(['all', 'responses', 'knownSenders', 'emailEnabledRecords', 'none']);
export type Filtering = z.output<typeof filteringSchema>;

/** A user of the CRM. `filtering` null means the organization's default. */
export const userSchema = z.object({
  ...entityShape,
  externalId: externalIdSchema.nullable(),
  fullName: z.string().min(1).max(200),
  emailAddress: z.string().nullable(),
  otherAddresses: z.array(z.string()),
  status: z.enum(['active', 'inactive']),
  timeZone: z.string().nullable(),
  locale: z.string().nullable(),
  filtering: filteringSchema.nullable(),
  autoCreate: z.boolean().nullable(),
  allowSendAs: z.boolean(),
  canOwnEmail: z.boolean(),
  /** Counts the organization's users from 1; part of the tracking token. */
  userNumber: z.int().positive(),
  mailboxId: z.string(),
});
export type User = z.output<typeof userSchema>;

export const queueSchema = z.object({
  ...entityShape,
  externalId: externalIdSchema.nullable(),
  name: z.string().min(1).max(200),
  emailAddress: z.string().nullable(),
  ownerId: z.string().nullable(),
  filtering: filteringSchema,
  memberIds: z.array(z.string()),
  /** Shares the count of the users, for the tracking token. */
  userNumber: z.int().positive(),
  mailboxId: z.string(),
});
export type Queue = z.output<typeof queueSchema>;

export const teamSchema = z.object({
  ...entityShape,
  externalId: externalIdSchema.nullable(),
  name: z.string().min(1).max(200),
  emailAddress: z.string().nullable(),
  memberIds: z.array(z.string()),
});
export type Team = z.output<typeof teamSchema>;

export const userKind: EntityKind<User> = { kind: 'user', prefix: 'usr', parse: (stored) => userSchema.parse(stored) };
export const queueKind: EntityKind<Queue> = {
  kind: 'queue',
  prefix: 'que',
  parse: (stored) => queueSchema.parse(stored),
};
export const teamKind: EntityKind<Team> = { kind: 'team', prefix: 'tea', parse: (stored) => teamSchema.parse(stored) };
