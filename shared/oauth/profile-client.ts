import type { Organization } from '../organization/organization.ts';
import type { SecretVault } from '../platform/secrets.ts';
import { issuerOf } from '../server-profile/profile-issuer.ts';
import { profileSecretPlace } from '../server-profile/profile-secret.ts';
import { presetOf } from '../server-profile/provider-presets.ts';
import type { ServerProfile } from '../server-profile/server-profile.ts';
import type { OAuthClient } from '../transport/oauth/oauth-client.ts';
import { TransportError } from '../transport/transport-error.ts';

/** A request of the API has 30 s in all, and a sign-in asks three times. */
const longestSeconds = 8;

export type ClientProfile = Pick<ServerProfile, 'id' | 'kind' | 'credentials' | 'caCertificates' | 'timeoutSeconds'>;

/** Whose tokens a grant holds: with another issuer or client they are good for nothing. */
export const clientIdentityOf = (
  profile: Pick<ServerProfile, 'kind' | 'credentials'>,
): { readonly issuer: string; readonly clientId: string } | undefined => {
  const issuer = issuerOf(profile);
  const { clientId } = profile.credentials;
  return issuer === null || clientId === null ? undefined : { issuer, clientId };
};

/**
 * The client of a profile, its secret opened.
 *
 * @throws TransportError authenticationFailed, when the profile names none
 */
export const openClient = async (
  vault: SecretVault,
  organization: Pick<Organization, 'id' | 'secretSalt'>,
  profile: ClientProfile,
): Promise<OAuthClient> => {
  const identity = clientIdentityOf(profile);
  if (identity === undefined)
    throw new TransportError('authenticationFailed', {
      class: 'permanent',
      level: 'profile',
      detail: 'The profile names no client of an authorization server',
      cause: 'No credentials are set',
      fix: 'Set issuer and clientId of the server profile',
    });
  const { source, clientSecret, scopes } = profile.credentials;
  const preset = presetOf(identity.issuer);
  const usualScopes = source === 'application' ? (preset.applicationScopes ?? []) : preset.scopes;
  return {
    ...identity,
    clientSecret:
      clientSecret === undefined
        ? null
        : await vault.open(profileSecretPlace(organization, profile.id, 'clientSecret'), clientSecret),
    scopes: scopes ?? usualScopes,
    authorizationParameters: preset.authorizationParameters,
    perTenant: preset.perTenant,
    accountClaims: preset.accountClaims,
    caCertificates: profile.caCertificates,
    timeoutSeconds: Math.min(profile.timeoutSeconds, longestSeconds),
  };
};
