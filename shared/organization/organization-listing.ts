import * as z from 'zod';
import { type EntityKind, externalIdKey } from '../platform/entity-store.ts';
import { deploymentScope, type RecordKey, type RecordWrite, recordKey } from '../platform/records-table.ts';
import { entityShape } from '../platform/values.ts';
import { type Organization, organizationKind } from './organization.ts';

/**
 * The deployment's list of its organizations. Each organization itself stands in a partition of its own, where a list
 * could not find it.
 */
export const organizationListingSchema = z.object(entityShape);
export type OrganizationListing = z.output<typeof organizationListingSchema>;

export const organizationListingKind: EntityKind<OrganizationListing> = {
  kind: 'organization',
  prefix: 'org',
  parse: (stored) => organizationListingSchema.parse(stored),
};

const pointerKey = (externalId: string): RecordKey => externalIdKey(deploymentScope, organizationKind.kind, externalId);

/** What is written together with a new organization. The last one fails when its externalId is taken. */
export const listingWrites = ({ id, externalId, createdAt }: Organization): readonly RecordWrite[] => [
  {
    put: {
      ...recordKey(deploymentScope, organizationListingKind.kind, id),
      v: 1,
      kind: organizationListingKind.kind,
      organizationId: deploymentScope,
      entity: { id, version: 1, createdAt, updatedAt: createdAt },
    },
  },
  ...(externalId === null
    ? []
    : [
        {
          put: { ...pointerKey(externalId), v: 1, id },
          condition: { expression: 'attribute_not_exists(pk)' },
        },
      ]),
];

/** What is removed together with an organization. */
export const listingRemovals = (id: string, externalId: string | null): readonly RecordWrite[] => [
  { remove: recordKey(deploymentScope, organizationListingKind.kind, id) },
  ...(externalId === null
    ? []
    : [
        {
          remove: pointerKey(externalId),
          condition: { expression: 'attribute_not_exists(pk) OR id = :id', values: { ':id': id } },
        },
      ]),
];
