import type { Organization } from '../organization/organization.ts';
import type { SecretPlace } from '../platform/secrets.ts';

/** Where a secret of a server profile is sealed. */
export const profileSecretPlace = (
  organization: Pick<Organization, 'id' | 'secretSalt'>,
  serverProfileId: string,
  name: 'password' | 'clientSecret',
): SecretPlace => ({
  organizationId: organization.id,
  salt: organization.secretSalt,
  resourceId: serverProfileId,
  field: `credentials.${name}`,
});
