import { organizationAnswerSchema, presentOrganization } from '../../../shared/organization/present-organization.ts';
import { readUsage, usageSchema } from '../../../shared/organization/usage.ts';
import { answerResource } from '../answers.ts';
import { defineRoute, noParameters, type Route, rolesAndUsers } from '../route.ts';

const tag = 'Organization';

export const organizationRoutes: readonly Route[] = [
  defineRoute({
    method: 'GET',
    path: '/organization',
    summary: 'Reads the organization of the caller',
    tag,
    access: rolesAndUsers,
    answers: { 200: organizationAnswerSchema },
    pathSchema: noParameters,
    querySchema: noParameters,
    bodySchema: null,
    handle: async ({ organization }) => answerResource(presentOrganization(organization)),
  }),
  defineRoute({
    method: 'GET',
    path: '/organization/usage',
    summary: 'Reads what the organization uses',
    tag,
    access: ['admin'],
    answers: { 200: usageSchema },
    pathSchema: noParameters,
    querySchema: noParameters,
    bodySchema: null,
    handle: async ({ services, organization }) => ({ status: 200, body: await readUsage(services, organization) }),
  }),
];
