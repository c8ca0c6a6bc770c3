import * as z from 'zod';
import { changeSettings, presentSettings } from '../../../shared/organization/change-settings.ts';
import type { Organization } from '../../../shared/organization/organization.ts';
import { settingsSchema } from '../../../shared/organization/settings.ts';
import { settingsJsonSchema } from '../../../shared/organization/settings-schema.ts';
import { patchSchemaOf } from '../../../shared/platform/merge-patch.ts';
import { defineRoute, noParameters, type Route, type RouteAnswer } from '../route.ts';

const tag = 'Settings';
const access = ['admin'] as const;
const settingsAnswerSchema = settingsSchema.extend({ version: z.number().int() }).meta({ id: 'Settings' });

const answerSettings = (organization: Organization): RouteAnswer => ({
  status: 200,
  body: presentSettings(organization),
  headers: { etag: `"${organization.settingsVersion}"` },
});

export const settingsRoutes: readonly Route[] = [
  defineRoute({
    method: 'GET',
    path: '/settings',
    summary: 'Reads all settings',
    tag,
    access,
    answers: { 200: settingsAnswerSchema },
    pathSchema: noParameters,
    querySchema: noParameters,
    bodySchema: null,
    handle: async ({ organization }) => answerSettings(organization),
  }),
  defineRoute({
    method: 'PATCH',
    path: '/settings',
    summary: 'Changes settings, all that are sent or none; null resets one to its default',
    tag,
    access,
    answers: { 200: settingsAnswerSchema },
    pathSchema: noParameters,
    querySchema: noParameters,
    bodySchema: patchSchemaOf(settingsSchema),
    handle: async ({ services, organization, body, author, ifMatch }) =>
      answerSettings(await changeSettings(services, organization.id, body, author, ifMatch)),
  }),
  defineRoute({
    method: 'GET',
    path: '/settings/schema',
    summary: 'Describes the settings as a JSON Schema',
    tag,
    access,
    answers: { 200: z.record(z.string(), z.unknown()) },
    pathSchema: noParameters,
    querySchema: noParameters,
    bodySchema: null,
    handle: async () => ({ status: 200, body: settingsJsonSchema() }),
  }),
];
