import * as z from 'zod';
import type { Organization } from '../organization/organization.ts';
import { type RecordKey, recordKey } from '../platform/records-table.ts';
import type { SecretPlace } from '../platform/secrets.ts';
import { sealedSecretSchema } from '../platform/values.ts';

const kind = 'oauthGrant';

/** The tokens of one mailbox's connection, or of one application, as stored. */
export const grantSchema = z.object({
  issuer: z.string(),
  clientId: z.string(),
  /** Sealed JSON of `tokensSchema`; absent until an application has asked for the first. */
  tokens: sealedSecretSchema.optional(),
  /** Epoch milliseconds from which the access token is replaced, and at which it ends. */
  renewAt: z.number(),
  endsAt: z.number(),
  /** When the refresh token ends, where the issuer said so. */
  refreshEndsAt: z.number().optional(),
  /** Counts what the issuer gave; whoever writes knows which one he replaces. */
  generation: z.int(),
  /** Who asks the issuer just now: parallel refreshes would cost the whole grant. */
  lease: z.object({ holder: z.string(), until: z.number() }).optional(),
  /** An answer of the issuer may have been lost, and with it the refresh token that is good now. */
  uncertain: z.boolean().optional(),
});
export type OAuthGrant = z.output<typeof grantSchema>;

export const tokensSchema = z.object({ accessToken: z.string(), refreshToken: z.string().nullable() });
export type OAuthTokens = z.output<typeof tokensSchema>;

/** Where a grant stands. A new connection, or another secret of an application, is another grant. */
export interface GrantPlace {
  readonly organization: Pick<Organization, 'id' | 'secretSalt'>;
  /** The mailbox, or the server profile. */
  readonly holderId: string;
  readonly connectionId: string;
}

export const grantKey = (organizationId: string, holderId: string, connectionId: string): RecordKey =>
  recordKey(organizationId, kind, `${holderId}#${connectionId}`);

/** Where its tokens are sealed. */
export const tokensPlace = ({ organization, holderId, connectionId }: GrantPlace): SecretPlace => ({
  organizationId: organization.id,
  salt: organization.secretSalt,
  resourceId: holderId,
  field: `oauth.tokens#${connectionId}`,
});

/** A grant as an item of the records table; it tells the feed nothing. */
export const grantItem = ({ organization, holderId, connectionId }: GrantPlace, grant: OAuthGrant) => ({
  ...grantKey(organization.id, holderId, connectionId),
  v: 1,
  kind,
  organizationId: organization.id,
  grant,
});

/** A fifth of its life before its end, five minutes at most: it must outlast the login that it is for. */
const renewalMilliseconds = (lifeMilliseconds: number): number => Math.min(300_000, lifeMilliseconds / 5);

/** The times of a token that was asked for at `askedAt`. */
export const timesOf = (
  answer: { readonly expiresInSeconds: number; readonly refreshExpiresInSeconds: number | undefined },
  askedAt: number,
): Pick<OAuthGrant, 'renewAt' | 'endsAt' | 'refreshEndsAt'> => {
  const life = answer.expiresInSeconds * 1000;
  return {
    renewAt: askedAt + life - renewalMilliseconds(life),
    endsAt: askedAt + life,
    ...(answer.refreshExpiresInSeconds === undefined
      ? {}
      : { refreshEndsAt: askedAt + answer.refreshExpiresInSeconds * 1000 }),
  };
};
