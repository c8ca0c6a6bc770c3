import { auditWrite } from '../audit/audit-write.ts';
import type { Author } from '../platform/change.ts';
import type { EntityStore } from '../platform/entity-store.ts';
import { FaultError } from '../platform/fault.ts';
import { WriteConditionError } from '../platform/records-table.ts';
import { createSecretSalt } from '../platform/secrets.ts';
import { type Organization, organizationKind } from './organization.ts';
import { listingWrites } from './organization-listing.ts';
import { settingsSchema } from './settings.ts';

export type NewOrganization = Pick<Organization, 'name' | 'externalId' | 'timeZone' | 'kind' | 'quota'>;

/**
 * Creates an organization with default settings. Under an identifier that exists already (the same request, carried
 * out again after a crash) it answers with what stands there.
 *
 * @throws FaultError externalIdTaken
 */
export const createOrganization = async (
  { store, now, author }: { readonly store: EntityStore; readonly now: () => Date; readonly author: Author },
  id: string,
  input: NewOrganization,
): Promise<Organization> => {
  const at = now().toISOString();
  const organization: Organization = {
    id,
    version: 1,
    createdAt: at,
    updatedAt: at,
    ...input,
    status: 'active',
    suspendReason: null,
    settings: settingsSchema.parse({}),
    settingsVersion: 1,
    secretSalt: createSecretSalt(),
  };
  const noted = auditWrite(id, {
    author,
    now: now(),
    action: 'organization.created',
    subject: { type: 'organization', id },
    before: null,
    after: input,
  });
  try {
    return await store.create(organizationKind, id, organization, { also: [noted, ...listingWrites(organization)] });
  } catch (error) {
    if (!(error instanceof WriteConditionError)) throw error;
    const existing = await store.get(organizationKind, id, id);
    if (existing !== undefined) return existing;
    throw new FaultError('externalIdTaken');
  }
};
