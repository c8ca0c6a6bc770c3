import type { Organization } from '../organization/organization.ts';
import type { SecretPlace, SecretVault } from '../platform/secrets.ts';
import type { SealedSecret } from '../platform/values.ts';
import { profilePasswordPlace } from '../server-profile/profile-secret.ts';
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

const missing = (level: 'mailbox' | 'profile', detail: string): TransportError =>
  new TransportError('authenticationFailed', { class: 'permanent', level, detail, cause: 'No credentials are set' });

/**
 * What a mailbox logs in with at its servers, opened; `setAt` tells these credentials from others without showing them.
 *
 * @throws TransportError authenticationFailed, when there are none
 */
export const openCredentials = async (
  vault: SecretVault,
  organization: Pick<Organization, 'id' | 'secretSalt'>,
  mailbox: Pick<Mailbox, 'id' | 'credentials' | 'emailAddress'>,
  serverProfile: Pick<ServerProfile, 'id' | 'credentials'>,
): Promise<{ readonly credentials: Credentials; readonly setAt: string }> => {
  const { source, authentication } = serverProfile.credentials;
  if (authentication === 'none') return { credentials: { authentication: 'none' }, setAt: 'none' };
  const open = async (
    level: 'mailbox' | 'profile',
    username: string | null | undefined,
    password: SealedSecret | null | undefined,
    place: SecretPlace,
  ) => {
    if (username == null || username === '') throw missing(level, `The ${level} has no username`);
    if (password == null) throw missing(level, `The ${level} has no password`);
    return {
      credentials: { authentication: 'password' as const, username, password: await vault.open(place, password) },
      setAt: password.setAt,
    };
  };
  if (source === 'profile')
    return open(
      'profile',
      serverProfile.credentials.username,
      serverProfile.credentials.password,
      profilePasswordPlace(organization, serverProfile.id),
    );
  return open(
    'mailbox',
    loginName(mailbox),
    mailbox.credentials.password,
    mailboxPasswordPlace(organization, mailbox.id),
  );
};
