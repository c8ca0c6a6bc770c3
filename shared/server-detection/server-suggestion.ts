import * as z from 'zod';
import { serverProfileInputSchema } from '../server-profile/server-profile-input.ts';

const { kind, incoming, outgoing } = serverProfileInputSchema.shape;

/** Settings that may be those of an address, in the words of a server profile. */
export const serverSuggestionSchema = z
  .object({
    source: z.enum(['srv', 'autoconfig', 'preset']).meta({
      description:
        "Where it comes from: the domain's DNS (RFC 6186), its autoconfig, or what is known of its provider.",
    }),
    detail: z.string(),
    kind,
    incoming: incoming.unwrap(),
    outgoing: outgoing.unwrap(),
    credentials: z.object({
      source: z.literal('mailbox'),
      authentication: z.enum(['password', 'oauth2']),
      issuer: z.string().nullable(),
      tenantId: z.string().nullable(),
    }),
    username: z.string().meta({ description: 'What the mailbox logs in with.' }),
  })
  .meta({ id: 'ServerSuggestion' });
export type ServerSuggestion = z.output<typeof serverSuggestionSchema>;

export const byPassword: ServerSuggestion['credentials'] = {
  source: 'mailbox',
  authentication: 'password',
  issuer: null,
  tenantId: null,
};
