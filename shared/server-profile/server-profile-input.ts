import { isIPv6 } from 'node:net';
import * as z from 'zod';
import { instantSchema } from '../platform/values.ts';
import { credentialsInputSchema } from './profile-credentials.ts';
import { gmailEndpoints } from './provider-presets.ts';
import { connectionSecuritySchema, maxConnectionsCeiling, sendLimitsSchema } from './server-profile.ts';

const hostText = 'a host name or an address, without port';
/** RFC 1123 section 2.1, or what may be an IPv6 address. Names of other scripts are given as the DNS has them: xn--… */
const hostPattern =
  /^[0-9A-Za-z](?:[0-9A-Za-z-]{0,61}[0-9A-Za-z])?(?:\.[0-9A-Za-z](?:[0-9A-Za-z-]{0,61}[0-9A-Za-z])?)*$|^[0-9A-Fa-f]*:[0-9A-Fa-f:.]*$/;

const hostSchema = z
  .string()
  .min(1)
  .max(253)
  .regex(hostPattern, { error: hostText, abort: true })
  .refine((host) => !host.includes(':') || isIPv6(host), hostText)
  .meta({ description: 'Host name or address of the mail server, without port.' });
const portSchema = z.int().min(1).max(65535);

const fieldsSchema = z.strictObject({
  name: z.string().min(1).max(100),
  kind: z.enum(['gmail', 'imapSmtp', 'pop3Smtp']),
  incoming: z
    .strictObject({
      protocol: z.enum(['imap', 'pop3', 'graph', 'ews']),
      host: hostSchema,
      port: portSchema,
      security: connectionSecuritySchema,
    })
    .optional()
    .meta({ description: 'Known for kind gmail, else needed.' }),
  outgoing: z
    .strictObject({
      protocol: z.enum(['smtp', 'graph', 'ews']),
      host: hostSchema,
      port: portSchema,
      security: connectionSecuritySchema,
    })
    .optional()
    .meta({ description: 'Known for kind gmail, else needed.' }),
  credentials: credentialsInputSchema,
  maxConnections: z.int().min(1).max(maxConnectionsCeiling).default(10).meta({
    description: 'Connections of the whole profile at a time, whoever logs in.',
  }),
  timeoutSeconds: z.int().min(1).max(100).default(60),
  minPollingMinutes: z.int().min(0).max(1440).default(0),
  sendLimits: sendLimitsSchema.nullable().default(null).meta({
    description: 'How many emails may go out through the profile; what is more waits.',
  }),
  processEmailFrom: instantSchema.nullable().default(null),
  moveUndeliverable: z.boolean().default(false).meta({
    description: 'Mail that is set aside as unreadable is moved to a folder Undeliverable. IMAP only.',
  }),
  alertOwnerOnOutage: z.boolean().default(false).meta({
    description: 'The owner is told when more than half of the mailboxes of the profile fail within an hour.',
  }),
  ownerId: z.string().max(250).nullable().default(null).meta({ description: 'A user or a team.' }),
  caCertificates: z.string().min(1).max(65_536).nullable().default(null).meta({
    description: 'PEM text of further certificate authorities to trust; several certificates may follow each other.',
  }),
  status: z.enum(['active', 'inactive']).default('active').meta({
    description:
      'inactive: whatever its mailboxes do is turned off by their next cycle (disabledBy profile), and nothing is lost. Once it is active again, enable them: POST /v1/mailboxes/bulk.',
  }),
});
type Fields = z.output<typeof fieldsSchema>;

/** Also where other fields are wrong, so that a caller is told of everything at once. */
const isGiven = (side: 'incoming' | 'outgoing') =>
  z.refine<Fields>((profile) => profile.kind === 'gmail' || profile[side] !== undefined, {
    path: [side],
    params: { code: 'required' },
    error: 'This field is missing',
    when: ({ value }) => typeof value === 'object' && value !== null,
  });

/** A server profile as the API takes it. Secrets are write-only. */
export const serverProfileInputSchema = fieldsSchema.check(isGiven('incoming'), isGiven('outgoing'));
export type ServerProfileRequest = z.output<typeof serverProfileInputSchema>;

/** What was asked for, with what is known of the provider. */
export type ServerProfileInput = ServerProfileRequest & Required<Pick<ServerProfileRequest, 'incoming' | 'outgoing'>>;

export const completeProfile = (request: ServerProfileRequest): ServerProfileInput => ({
  ...request,
  incoming: request.incoming ?? { protocol: 'imap', ...gmailEndpoints.incoming },
  outgoing: request.outgoing ?? { protocol: 'smtp', ...gmailEndpoints.outgoing },
});
