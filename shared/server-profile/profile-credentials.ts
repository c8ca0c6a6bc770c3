import * as z from 'zod';
import { isAddress } from '../platform/address.ts';
import { presentedSecretSchema, presentSecret } from '../platform/present-secret.ts';
import { sealedSecretSchema } from '../platform/values.ts';

const isMailboxPattern = (text: string): boolean => isAddress(text.startsWith('@') ? `any${text}` : text);

const oauthShape = {
  issuer: z
    .url({ protocol: /^https?$/ })
    .max(500)
    .nullable()
    .default(null)
    .meta({
      description:
        'The authorization server: its OpenID Connect metadata is read below this URL. Known for kind gmail.',
    }),
  clientId: z.string().min(1).max(250).nullable().default(null).meta({
    description: 'Who the hub is at the authorization server.',
  }),
  tenantId: z
    .string()
    .max(250)
    .regex(/^[0-9A-Za-z](?:[0-9A-Za-z.-]*[0-9A-Za-z])?$/, "a tenant's id or one of its domains")
    .nullable()
    .default(null)
    .meta({ description: "Of Microsoft's cloud, in the place of an issuer: an id or a domain." }),
  scopes: z
    .array(z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]{1,500}$/, 'one scope without blanks'))
    .max(50)
    .nullable()
    .default(null)
    .meta({ description: 'What is asked for, in the place of what the issuer usually wants.' }),
  allowedMailboxes: z
    .array(z.string().max(254).refine(isMailboxPattern, 'an address, or a domain such as @contoso.example'))
    .max(1000)
    .default([])
    .meta({ description: 'Source application only: addresses, or @domain, of the mailboxes that may be opened.' }),
};

/** The credentials of a server profile as the API takes them. Secrets are write-only. */
export const credentialsInputSchema = z.strictObject({
  source: z.enum(['mailbox', 'profile', 'application']),
  authentication: z.enum(['password', 'oauth2', 'ntlm', 'none']).default('password'),
  username: z.string().min(1).max(250).nullable().default(null),
  password: z.string().min(1).max(1000).optional().meta({ writeOnly: true }),
  clientSecret: z.string().min(1).max(1000).optional().meta({ writeOnly: true }),
  ...oauthShape,
});
export type CredentialsInput = z.output<typeof credentialsInputSchema>;

/** As stored; secrets are sealed. */
export const credentialsSchema = z.object({
  source: z.enum(['mailbox', 'profile', 'application']),
  authentication: z.enum(['password', 'oauth2', 'none']),
  username: z.string().max(250).optional(),
  password: sealedSecretSchema.optional(),
  clientSecret: sealedSecretSchema.optional(),
  issuer: z.string().nullable().default(null),
  clientId: z.string().nullable().default(null),
  tenantId: z.string().nullable().default(null),
  scopes: z.array(z.string()).nullable().default(null),
  allowedMailboxes: z.array(z.string()).default([]),
});
export type ProfileCredentials = z.output<typeof credentialsSchema>;

/** As the API shows them: of secrets only whether and since when they are set. */
export const credentialsAnswerSchema = credentialsSchema
  .pick({
    source: true,
    authentication: true,
    issuer: true,
    clientId: true,
    tenantId: true,
    scopes: true,
    allowedMailboxes: true,
  })
  .extend({
    username: z.string().nullable(),
    password: presentedSecretSchema,
    clientSecret: presentedSecretSchema,
  });

export const presentCredentials = ({
  username,
  password,
  clientSecret,
  ...shown
}: ProfileCredentials): z.output<typeof credentialsAnswerSchema> => ({
  ...shown,
  username: username ?? null,
  password: presentSecret(password),
  clientSecret: presentSecret(clientSecret),
});
