import { mailboxKind } from '../mailbox/mailbox.ts';
import { isSameAddress } from '../mailbox/mailbox-edits.ts';
import { mailboxAddressKey } from '../mailbox/takeover.ts';
import type { Organization } from '../organization/organization.ts';
import { type User, userKind } from '../owner/owner.ts';
import { isAddress } from '../platform/address.ts';
import type { EntityStore } from '../platform/entity-store.ts';
import { FaultError } from '../platform/fault.ts';
import type { Claims } from '../transport/oauth/authorization-servers.ts';
import type { ConfiguredProvider } from './identity-provider.ts';

const refused = (cause: string, fix?: string): FaultError =>
  new FaultError('signInRefused', { cause, ...(fix === undefined ? {} : { fix }) });

/** @throws FaultError signInRefused, when the issuer knows the person as another organization's */
const requireMember = ({ settings }: Organization, { organizationClaim }: ConfiguredProvider, claims: Claims): void => {
  if (organizationClaim === null) return;
  const claimed = claims[organizationClaim];
  const expected = settings.access.identityProviderOrganization;
  if (expected === null || typeof claimed !== 'string' || claimed !== expected)
    throw refused('The identity provider knows this account as one of another organization');
};

/**
 * The user that an identity stands for: of this organization, by the address that the issuer has verified and by
 * nothing else. An address that was not verified is what somebody typed.
 *
 * @throws FaultError signInRefused, userInactive
 */
export const findIdentifiedUser = async (
  store: EntityStore,
  organization: Organization,
  provider: ConfiguredProvider,
  claims: Claims,
): Promise<User> => {
  requireMember(organization, provider, claims);
  const { email } = claims;
  if (typeof email !== 'string' || !isAddress(email))
    throw refused('The identity provider does not tell the email address of this account');
  if (claims['email_verified'] !== true)
    throw refused(
      'The identity provider has not verified the email address of this account',
      'Verify the address at the identity provider, then sign in again',
    );
  const pointer = await store.table.get(mailboxAddressKey(organization.id, email));
  const mailbox =
    pointer === undefined ? undefined : await store.get(mailboxKind, organization.id, String(pointer['mailboxId']));
  const user =
    mailbox?.kind !== 'user' || mailbox.ownerId === null
      ? undefined
      : await store.get(userKind, organization.id, mailbox.ownerId);
  if (user === undefined || !isSameAddress(user.emailAddress, email))
    throw refused('The organization has no user with the email address of this account');
  if (user.status !== 'active') throw new FaultError('userInactive');
  return user;
};
