import * as z from 'zod';
import type { EntityKind } from '../platform/entity-store.ts';
import { entityShape } from '../platform/values.ts';
import { credentialsSchema } from './profile-credentials.ts';

export const connectionSecuritySchema = z.enum(['tls', 'startTls', 'none']);

export const incomingEndpointSchema = z.object({
  protocol: z.enum(['imap', 'pop3']),
  host: z.string().min(1).max(253),
  port: z.int().min(1).max(65535),
  security: connectionSecuritySchema,
});

export const outgoingEndpointSchema = z.object({
  protocol: z.enum(['smtp']),
  host: z.string().min(1).max(253),
  port: z.int().min(1).max(65535),
  security: connectionSecuritySchema,
});

/** How many connections the profile's servers allow, and how the counter is laid out; see throttle/. */
export const throttleLayoutSchema = z.object({
  shards: z.int().positive(),
  /** The layout that takes over at `since` (epoch milliseconds), while a change of the shard count is under way. */
  next: z.object({ shards: z.int().positive(), since: z.number() }).optional(),
});

/** The most that one profile may have. */
export const maxConnectionsCeiling = 300;

/** How many emails may go out through the profile, whoever sends them; what is more waits. */
export const sendLimitsSchema = z.strictObject({
  perMinute: z.int().min(1).max(100_000).optional().meta({ description: 'In any minute.' }),
  perDay: z.int().min(1).max(10_000_000).optional().meta({ description: 'In any 24 hours.' }),
});
export type SendLimits = z.output<typeof sendLimitsSchema>;

/** A server profile as stored. Secrets are sealed. */
export const serverProfileSchema = z.object({
  ...entityShape,
  name: z.string().min(1).max(100),
  kind: z.enum(['gmail', 'imapSmtp', 'pop3Smtp']),
  incoming: incomingEndpointSchema,
  outgoing: outgoingEndpointSchema,
  credentials: credentialsSchema,
  maxConnections: z.int().min(1).max(maxConnectionsCeiling),
  timeoutSeconds: z.int().min(1).max(100),
  minPollingMinutes: z.int().min(0).max(1440),
  sendLimits: sendLimitsSchema.strip().nullable().default(null),
  processEmailFrom: z.string().nullable(),
  /** What cannot be made an email of is moved out of the folder that it came into. */
  moveUndeliverable: z.boolean().default(false),
  /** The owner sees the alert when most of the mailboxes fail. */
  alertOwnerOnOutage: z.boolean().default(false),
  ownerId: z.string().nullable(),
  caCertificates: z.string().nullable(),
  status: z.enum(['active', 'inactive']),
  throttle: throttleLayoutSchema,
});
export type ServerProfile = z.output<typeof serverProfileSchema>;

export const serverProfileKind: EntityKind<ServerProfile> = {
  kind: 'serverProfile',
  prefix: 'prf',
  parse: (stored) => serverProfileSchema.parse(stored),
};
