import * as z from 'zod';
import {
  apiKeyAnswerSchema,
  apiKeyKind,
  apiKeyNameSchema,
  presentApiKey,
  roleSchema,
} from '../../../shared/organization/api-key.ts';
import { createApiKey, removeApiKey } from '../../../shared/organization/manage-api-keys.ts';
import { instantSchema } from '../../../shared/platform/values.ts';
import { answerCreated, answerNothing } from '../answers.ts';
import { listEntities, pageQueryShape, pageSchema } from '../page.ts';
import { defineRoute, noParameters, type Route } from '../route.ts';

const tag = 'API keys';
const access = ['admin'] as const;

export const newApiKeySchema = z.strictObject({
  name: apiKeyNameSchema,
  role: roleSchema,
  expiresAt: instantSchema.nullable().default(null).meta({ description: 'From when on the key opens nothing.' }),
});

export const createdApiKeySchema = apiKeyAnswerSchema
  .extend({
    secret: z
      .string()
      .nullable()
      .meta({ description: 'The bearer token, shown this once; null in a repeated answer.' }),
  })
  .meta({ id: 'CreatedApiKey' });

export const apiKeysRoutes: readonly Route[] = [
  defineRoute({
    method: 'POST',
    path: '/api-keys',
    summary: 'Makes an API key',
    tag,
    access,
    answers: { 201: createdApiKeySchema },
    pathSchema: noParameters,
    querySchema: noParameters,
    bodySchema: newApiKeySchema,
    handle: async ({ services, organization, author, body, identifierFor }) => {
      const { key, secret } = await createApiKey({ ...services, author }, organization.id, identifierFor('key'), body);
      return answerCreated(`/api-keys/${key.id}`, { ...presentApiKey(key), secret });
    },
  }),
  defineRoute({
    method: 'GET',
    path: '/api-keys',
    summary: 'Lists the API keys, newest first, without their secrets',
    tag,
    access,
    answers: { 200: pageSchema(apiKeyAnswerSchema) },
    pathSchema: noParameters,
    querySchema: z.strictObject(pageQueryShape),
    bodySchema: null,
    handle: async ({ services: { store, now }, organization, query }) => ({
      status: 200,
      body: await listEntities({
        store,
        kind: apiKeyKind,
        organizationId: organization.id,
        query,
        filters: {},
        present: presentApiKey,
        now: now(),
      }),
    }),
  }),
  defineRoute({
    method: 'DELETE',
    path: '/api-keys/{keyId}',
    summary: 'Deletes an API key, which opens nothing from then on',
    tag,
    access,
    answers: { 204: null },
    problems: ['lastAdminKey'],
    pathSchema: z.strictObject({ keyId: z.string() }),
    querySchema: noParameters,
    bodySchema: null,
    handle: async ({ services, organization, author, path, ifMatch }) => {
      await removeApiKey({ ...services, author }, organization.id, path.keyId, ifMatch);
      return answerNothing();
    },
  }),
];
