import type { Organization } from '../organization/organization.ts';
import { normalizeAddress } from '../platform/address.ts';
import { domainOf } from './envelope-address.ts';

/** Whether mail of this organization may go to the address: everywhere, unless it is a sandbox. */
export const maySendTo = (organization: Pick<Organization, 'kind' | 'settings'>, address: string): boolean => {
  if (organization.kind !== 'sandbox') return true;
  const normalized = normalizeAddress(address);
  const domain = `@${domainOf(normalized)}`;
  return organization.settings.outgoing.sandboxAllow.some((allowed) => {
    if (allowed === '*') return true;
    if (allowed.startsWith('@')) return `@${domainOf(allowed.toLowerCase())}` === domain;
    return normalizeAddress(allowed) === normalized;
  });
};
