import type { OAuthAccess } from '../oauth/oauth-access.ts';
import type { Organization } from '../organization/organization.ts';
import { normalizeAddress } from '../platform/address.ts';
import type { SecretPlace, SecretVault } from '../platform/secrets.ts';
import type { SealedSecret } from '../platform/values.ts';
import { profileSecretPlace } from '../server-profile/profile-secret.ts';
import type { ServerProfile } from '../server-profile/server-profile.ts';
import type { Credentials } from '../transport/connection.ts';
import { TransportError } from '../transport/transport-error.ts';
import { loginName } from './login-name.ts';
import type { Mailbox } from './mailbox.ts';

/** Where the password of a mailbox is sealed. */
export const mailboxPasswordPlace = (
  organization: Pick<Organization, 'id' | 'secretSalt'>,
  mailboxId: string,
): SecretPlace => ({
  organizationId: organization.id,
  salt: organization.secretSalt,
  resourceId: mailboxId,
  field: 'credentials.password',
});

export interface CredentialDependencies {
  readonly vault: SecretVault;
  readonly oauth: OAuthAccess;
}

type CredentialMailbox = Pick<Mailbox, 'id' | 'credentials' | 'emailAddress' | 'oauth'>;
type CredentialProfile = Pick<ServerProfile, 'id' | 'kind' | 'credentials' | 'caCertificates' | 'timeoutSeconds'>;

const missing = (level: 'mailbox' | 'profile', detail: string): TransportError =>
  new TransportError('authenticationFailed', { class: 'permanent', level, detail, cause: 'No credentials are set' });

const requireUsername = (level: 'mailbox' | 'profile', username: string | null | undefined): string => {
  if (username == null || username === '') throw missing(level, `The ${level} has no username`);
  return username;
};

const openPassword = async (
  vault: SecretVault,
  level: 'mailbox' | 'profile',
  login: string | null | undefined,
  password: SealedSecret | null | undefined,
  place: SecretPlace,
): Promise<Credentials> => {
  const username = requireUsername(level, login);
  if (password == null) throw missing(level, `The ${level} has no password`);
  return { authentication: 'password', username, password: await vault.open(place, password) };
};

/** Whether the list has the mailbox itself, or its domain. */
const isAllowed = (allowed: readonly string[], username: string): boolean => {
  const address = normalizeAddress(username);
  const domain = address.slice(address.lastIndexOf('@'));
  // A domain is compared in the form that addresses have, as part of one.
  return allowed.some((one) =>
    one.startsWith('@') ? normalizeAddress(`any${one}`) === `any${domain}` : normalizeAddress(one) === address,
  );
};

/**
 * What a mailbox logs in with at its servers, opened. Tokens are asked for only when a connection needs one.
 *
 * @throws TransportError authenticationFailed, when there are none; accessDenied, when the profile's application may
 * not open this mailbox
 */
export const openCredentials = async (
  { vault, oauth }: CredentialDependencies,
  organization: Pick<Organization, 'id' | 'secretSalt'>,
  mailbox: CredentialMailbox,
  serverProfile: CredentialProfile,
): Promise<Credentials> => {
  const { source, authentication, username, password, allowedMailboxes } = serverProfile.credentials;
  if (authentication === 'none') return { authentication };
  if (authentication === 'oauth2') {
    const login = requireUsername('mailbox', loginName(mailbox));
    if (source !== 'application')
      return { authentication, username: login, tokens: oauth.mailboxTokens(organization, mailbox, serverProfile) };
    if (!isAllowed(allowedMailboxes, login))
      throw new TransportError('accessDenied', {
        class: 'permanent',
        level: 'mailbox',
        detail: `The application of the server profile may not open ${login}`,
        cause: 'allowedMailboxes of the server profile names neither the mailbox nor its domain',
        fix: 'Add the mailbox to allowedMailboxes, or use another server profile',
      });
    return { authentication, username: login, tokens: oauth.applicationTokens(organization, serverProfile) };
  }
  return source === 'profile'
    ? openPassword(vault, 'profile', username, password, profileSecretPlace(organization, serverProfile.id, 'password'))
    : openPassword(
        vault,
        'mailbox',
        loginName(mailbox),
        mailbox.credentials.password,
        mailboxPasswordPlace(organization, mailbox.id),
      );
};
