import * as z from 'zod';
import { awaitOperation } from '../../../shared/operation/await-operation.ts';
import { operationKind } from '../../../shared/operation/operation.ts';
import { operationAnswerSchema, presentOperation } from '../../../shared/operation/present-operation.ts';
import { presentApiKey } from '../../../shared/organization/api-key.ts';
import { beginErasure } from '../../../shared/organization/begin-erasure.ts';
import { changeOrganization } from '../../../shared/organization/change-organization.ts';
import { createOrganization } from '../../../shared/organization/create-organization.ts';
import { createApiKey } from '../../../shared/organization/manage-api-keys.ts';
import { type Organization, organizationKind } from '../../../shared/organization/organization.ts';
import { organizationListingKind } from '../../../shared/organization/organization-listing.ts';
import { organizationAnswerSchema, presentOrganization } from '../../../shared/organization/present-organization.ts';
import { resumeOrganization, suspendOrganization } from '../../../shared/organization/suspend-organization.ts';
import { readUsage, usageSchema } from '../../../shared/organization/usage.ts';
import type { EntityStore } from '../../../shared/platform/entity-store.ts';
import { FaultError } from '../../../shared/platform/fault.ts';
import { patchSchemaOf } from '../../../shared/platform/merge-patch.ts';
import { deploymentScope } from '../../../shared/platform/records-table.ts';
import { resolveIdentifier } from '../../../shared/platform/resolve-identifier.ts';
import { externalIdSchema, timeZoneSchema } from '../../../shared/platform/values.ts';
import { quotaSchema } from '../../../shared/quota/quota.ts';
import { answerCreated, answerResource } from '../answers.ts';
import { listEntities, pageQueryShape, pageSchema } from '../page.ts';
import { defineOperatorRoute, noParameters, type Route } from '../route.ts';
import type { Services } from '../services.ts';
import { createdApiKeySchema, newApiKeySchema } from './api-keys.ts';
import { waitQuerySchema } from './operations.ts';

const tag = 'Organizations';
const pathSchema = z.strictObject({ organizationId: z.string() });
const withUsageSchema = organizationAnswerSchema.extend({ usage: usageSchema }).meta({ id: 'OrganizationWithUsage' });

const newOrganizationSchema = z.strictObject({
  name: z.string().min(1).max(200),
  externalId: externalIdSchema.nullable().default(null),
  timeZone: timeZoneSchema.default('UTC'),
  kind: z
    .enum(['production', 'sandbox'])
    .default('production')
    .meta({ description: 'A sandbox sends only where outgoing.sandboxAllow lets it, and takes any duration.' }),
  quota: quotaSchema.prefault({}),
});

const resolve = (store: EntityStore, text: string): Promise<string> =>
  resolveIdentifier(store, deploymentScope, organizationKind.kind, 'org', text);

/** @throws FaultError notFound */
const load = async (store: EntityStore, text: string): Promise<Organization> => {
  const id = await resolve(store, text);
  const organization = await store.get(organizationKind, id, id);
  if (organization === undefined) throw new FaultError('notFound');
  return organization;
};

const presentWithUsage = async (
  services: Services,
  organization: Organization,
): Promise<z.output<typeof withUsageSchema>> => ({
  ...presentOrganization(organization),
  usage: await readUsage(services, organization),
});

export const organizationsRoutes: readonly Route[] = [
  defineOperatorRoute({
    method: 'POST',
    path: '/organizations',
    summary: 'Creates an organization',
    tag,
    answers: { 201: withUsageSchema },
    problems: ['externalIdTaken'],
    pathSchema: noParameters,
    querySchema: noParameters,
    bodySchema: newOrganizationSchema,
    handle: async ({ services, author, body, identifierFor }) => {
      const organization = await createOrganization({ ...services, author }, identifierFor('org'), body);
      return answerCreated(`/organizations/${organization.id}`, await presentWithUsage(services, organization));
    },
  }),
  defineOperatorRoute({
    method: 'GET',
    path: '/organizations',
    summary: 'Lists the organizations of the deployment, newest first',
    tag,
    answers: { 200: pageSchema(withUsageSchema) },
    pathSchema: noParameters,
    querySchema: z.strictObject(pageQueryShape),
    bodySchema: null,
    handle: async ({ services, query }) => ({
      status: 200,
      body: await listEntities({
        store: services.store,
        kind: organizationListingKind,
        organizationId: deploymentScope,
        query,
        filters: {},
        // One that was erased between the two reads is left out.
        present: async ({ id }) => {
          const organization = await services.store.get(organizationKind, id, id);
          return organization && presentWithUsage(services, organization);
        },
        now: services.now(),
      }),
    }),
  }),
  defineOperatorRoute({
    method: 'GET',
    path: '/organizations/{organizationId}',
    summary: 'Reads an organization with its usage',
    tag,
    answers: { 200: withUsageSchema },
    pathSchema,
    querySchema: noParameters,
    bodySchema: null,
    handle: async ({ services, path }) =>
      answerResource(await presentWithUsage(services, await load(services.store, path.organizationId))),
  }),
  defineOperatorRoute({
    method: 'PATCH',
    path: '/organizations/{organizationId}',
    summary: 'Changes the name of an organization and what it is granted; null takes a limit away',
    tag,
    answers: { 200: organizationAnswerSchema },
    problems: ['invalidState'],
    pathSchema,
    querySchema: noParameters,
    bodySchema: z
      .strictObject({ name: newOrganizationSchema.shape.name, quota: patchSchemaOf(quotaSchema).nullable() })
      .partial(),
    handle: async ({ services, path, body, author, ifMatch }) => {
      const id = await resolve(services.store, path.organizationId);
      return answerResource(presentOrganization(await changeOrganization({ ...services, author }, id, body, ifMatch)));
    },
  }),
  defineOperatorRoute({
    method: 'POST',
    path: '/organizations/{organizationId}/suspend',
    summary: 'Stops all work of an organization; reading goes on',
    tag,
    answers: { 200: organizationAnswerSchema },
    problems: ['invalidState'],
    pathSchema,
    querySchema: noParameters,
    bodySchema: z.strictObject({ reason: z.string().min(1).max(1000) }),
    handle: async ({ services, path, body, author, ifMatch }) => {
      const id = await resolve(services.store, path.organizationId);
      return answerResource(presentOrganization(await suspendOrganization(services, id, body.reason, author, ifMatch)));
    },
  }),
  defineOperatorRoute({
    method: 'POST',
    path: '/organizations/{organizationId}/resume',
    summary: 'Lets a suspended organization go on where it stopped',
    tag,
    answers: { 200: organizationAnswerSchema },
    problems: ['invalidState'],
    pathSchema,
    querySchema: noParameters,
    bodySchema: z.strictObject({}),
    handle: async ({ services, path, author, ifMatch }) => {
      const id = await resolve(services.store, path.organizationId);
      return answerResource(presentOrganization(await resumeOrganization(services, id, author, ifMatch)));
    },
  }),
  defineOperatorRoute({
    method: 'DELETE',
    path: '/organizations/{organizationId}',
    summary: 'Erases an organization and everything that belongs to it',
    tag,
    answers: { 202: operationAnswerSchema },
    pathSchema,
    querySchema: z.strictObject({ confirm: z.string().meta({ description: 'The name of the organization.' }) }),
    bodySchema: null,
    handle: async ({ services, author, path, query, ifMatch }) => {
      const id = await resolve(services.store, path.organizationId);
      const operation = await beginErasure({ ...services, author }, id, query.confirm, ifMatch);
      return {
        status: 202,
        body: presentOperation(operation),
        headers: { location: `/v1/organizations/${id}/operations/${operation.id}` },
      };
    },
  }),
  defineOperatorRoute({
    method: 'GET',
    path: '/organizations/{organizationId}/operations/{operationId}',
    summary: 'Reads the erasure of an organization, also when the organization is gone',
    tag,
    answers: { 200: operationAnswerSchema },
    pathSchema: z.strictObject({ organizationId: z.string(), operationId: z.string() }),
    querySchema: waitQuerySchema,
    bodySchema: null,
    handle: async ({ services, path, query }) => {
      const { store } = services;
      const { kind, prefix } = operationKind;
      const id = await resolveIdentifier(store, deploymentScope, kind, prefix, path.operationId);
      const operation = await store.get(operationKind, deploymentScope, id);
      if (operation?.subject.id !== path.organizationId) throw new FaultError('notFound');
      return answerResource(presentOperation(await awaitOperation(services, deploymentScope, id, query.wait)));
    },
  }),
  defineOperatorRoute({
    method: 'POST',
    path: '/organizations/{organizationId}/api-keys',
    summary: 'Makes the first API key of an organization, or one to recover with',
    tag,
    answers: { 201: createdApiKeySchema },
    problems: ['invalidState'],
    pathSchema,
    querySchema: noParameters,
    bodySchema: newApiKeySchema,
    handle: async ({ services, author, path, body, identifierFor }) => {
      const organization = await load(services.store, path.organizationId);
      if (organization.status === 'erasing')
        throw new FaultError('invalidState', { detail: 'The organization is being erased' });
      const { key, secret } = await createApiKey({ ...services, author }, organization.id, identifierFor('key'), body);
      return answerCreated(`/api-keys/${key.id}`, { ...presentApiKey(key), secret });
    },
  }),
];
