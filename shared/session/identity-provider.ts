import * as z from 'zod';
import type { OAuthClient } from '../transport/oauth/oauth-client.ts';

/** The deployment's issuer of identities, as its options name it. */
export const identityProviderSchema = z.object({
  issuer: z.url(),
  clientId: z.string(),
  /** Made by the secrets key; without it the client is a public one. */
  clientSecretCiphertext: z.string().nullable(),
  /** The claim by which an issuer of several organizations tells them apart; null: it has one. */
  organizationClaim: z.string().nullable(),
  /** PEM. */
  caCertificates: z.string().nullable(),
});
export type IdentityProvider = z.output<typeof identityProviderSchema>;

/** What a client secret is encrypted for. */
export const clientSecretPurpose = 'mailbox-sync-identity-provider';

export interface ConfiguredProvider extends Pick<IdentityProvider, 'issuer' | 'organizationClaim'> {
  readonly openClient: () => Promise<OAuthClient>;
}

/** The whole sign-in asks three times at most, within the 30 s of a request. */
const timeoutSeconds = 8;

/** @param openSecret undefined: a public client */
export const configureProvider = (
  { issuer, clientId, organizationClaim, caCertificates }: IdentityProvider,
  openSecret: (() => Promise<string>) | undefined,
): ConfiguredProvider => ({
  issuer,
  organizationClaim,
  openClient: async () => ({
    issuer,
    clientId,
    clientSecret: openSecret === undefined ? null : await openSecret(),
    scopes: ['openid', 'email'],
    authorizationParameters: {},
    perTenant: false,
    accountClaims: ['email', 'email_verified', ...(organizationClaim === null ? [] : [organizationClaim])],
    caCertificates,
    timeoutSeconds,
  }),
});
