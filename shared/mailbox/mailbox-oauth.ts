import * as z from 'zod';

/** The connection of a mailbox to an authorization server; its tokens stand apart, see oauth/. */
export const mailboxOAuthSchema = z.object({
  /** expired, revoked: the issuer gives no tokens any more, somebody has to sign in again. */
  status: z.enum(['connected', 'expired', 'revoked']),
  /** Names the tokens: another sign-in is another connection. */
  connectionId: z.string(),
  /** The address that signed in. */
  account: z.string(),
  scopes: z.array(z.string()),
  connectedAt: z.string(),
  /** When the connection ends by itself, where the issuer says so. */
  expiresAt: z.string().nullable(),
});
export type MailboxOAuth = z.output<typeof mailboxOAuthSchema>;

/** As the API shows it. */
export const oauthAnswerSchema = z.object({
  status: z.enum(['notConnected', 'connected', 'expired', 'revoked']),
  account: z.string().nullable(),
  scopes: z.array(z.string()),
  expiresAt: z.string().nullable().meta({
    description:
      'When the connection ends by itself; null where the issuer does not say, and it lasts until it is revoked.',
  }),
});

export const presentOAuth = (oauth: MailboxOAuth | null): z.output<typeof oauthAnswerSchema> =>
  oauth === null
    ? { status: 'notConnected', account: null, scopes: [], expiresAt: null }
    : { status: oauth.status, account: oauth.account, scopes: oauth.scopes, expiresAt: oauth.expiresAt };
