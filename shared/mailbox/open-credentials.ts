import type { Organization } from '../organization/organization.ts';
import type { SecretVault } from '../platform/secrets.ts';
import type { ServerProfile } from '../server-profile/server-profile.ts';
import type { Credentials } from '../transport/connection.ts';
import type { Mailbox } from './mailbox.ts';

/** The field name under which a password is sealed; the same wherever it is sealed and opened. */
export const passwordField = 'credentials.password';

/**
 * The login of a mailbox, from the mailbox or from its profile. Without a username the address of the mailbox is it.
 * A missing password opens as an empty one, which the server refuses and the test reports.
 */
export const openCredentials = async (
  vault: SecretVault,
  organization: Pick<Organization, 'id' | 'secretSalt'>,
  mailbox: Mailbox,
  serverProfile: ServerProfile,
): Promise<{ readonly credentials: Credentials; readonly credentialSetAt: string }> => {
  if (serverProfile.credentials.authentication === 'none')
    return { credentials: { authentication: 'none' }, credentialSetAt: 'none' };
  const holder =
    serverProfile.credentials.source === 'profile'
      ? {
          id: serverProfile.id,
          username: serverProfile.credentials.username,
          password: serverProfile.credentials.password,
        }
      : { id: mailbox.id, username: mailbox.credentials.username, password: mailbox.credentials.password };
  const password =
    holder.password == null
      ? ''
      : await vault.open(
          {
            organizationId: organization.id,
            salt: organization.secretSalt,
            resourceId: holder.id,
            field: passwordField,
          },
          holder.password,
        );
  return {
    credentials: { authentication: 'password', username: holder.username ?? mailbox.emailAddress ?? '', password },
    credentialSetAt: `${holder.username ?? ''} ${holder.password?.setAt ?? ''}`,
  };
};
