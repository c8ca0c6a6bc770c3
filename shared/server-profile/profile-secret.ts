import type { Organization } from '../organization/organization.ts';
import type { SecretPlace } from '../platform/secrets.ts';

/** Where the password of a server profile is sealed. */
export const profilePasswordPlace = (
  organization: Pick<Organization, 'id' | 'secretSalt'>,
  serverProfileId: string,
): SecretPlace => ({
  organizationId: organization.id,
  salt: organization.secretSalt,
  resourceId: serverProfileId,
  field: 'credentials.password',
});
