import * as z from 'zod';
import { instantSchema } from '../platform/values.ts';
import { connectionSecuritySchema, maxConnectionsCeiling, sendLimitsSchema } from './server-profile.ts';

const hostSchema = z
  .string()
  .min(1)
  .max(253)
  .regex(/^[0-9A-Za-z](?:[0-9A-Za-z.:-]*[0-9A-Za-z])?$|^[0-9A-Fa-f:.]+$/, 'a host name or an address, without port')
  .meta({ description: 'Host name or address of the mail server.' });
const portSchema = z.int().min(1).max(65535);

/** A server profile as the API takes it. Passwords are write-only. */
export const serverProfileInputSchema = z.strictObject({
  name: z.string().min(1).max(100),
  kind: z.enum(['imapSmtp']),
  incoming: z.strictObject({
    protocol: z.enum(['imap', 'pop3', 'graph', 'ews']),
    host: hostSchema,
    port: portSchema,
    security: connectionSecuritySchema,
  }),
  outgoing: z.strictObject({
    protocol: z.enum(['smtp', 'graph', 'ews']),
    host: hostSchema,
    port: portSchema,
    security: connectionSecuritySchema,
  }),
  credentials: z.strictObject({
    source: z.enum(['mailbox', 'profile', 'application']),
    authentication: z.enum(['password', 'oauth2', 'ntlm', 'none']).default('password'),
    username: z.string().min(1).max(250).nullable().default(null),
    password: z.string().min(1).max(1000).optional().meta({ writeOnly: true }),
  }),
  maxConnections: z.int().min(1).max(maxConnectionsCeiling).default(10).meta({
    description: 'Connections of the whole profile at a time, whoever logs in.',
  }),
  timeoutSeconds: z.int().min(1).max(100).default(60),
  minPollingMinutes: z.int().min(0).max(1440).default(0),
  sendLimits: sendLimitsSchema.nullable().default(null).meta({
    description: 'How many emails may go out through the profile; what is more waits.',
  }),
  processEmailFrom: instantSchema.nullable().default(null),
  ownerId: z.string().max(250).nullable().default(null).meta({ description: 'A user or a team.' }),
  caCertificates: z.string().min(1).max(65_536).nullable().default(null).meta({
    description: 'PEM text of further certificate authorities to trust; several certificates may follow each other.',
  }),
  status: z.enum(['active', 'inactive']).default('active'),
});
export type ServerProfileInput = z.output<typeof serverProfileInputSchema>;
