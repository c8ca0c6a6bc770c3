import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadRoutes } from '../../../functions/api/routes/index.ts';
import { type AccessWorld, type Company, startAccessWorld } from './access-world.ts';
import { inputOf, nameOf, parametersOf, pathOf } from './route-inputs.ts';

/** What names no resource with a version, or makes a new one below a resource that stays as it is. */
const withoutVersion = [
  'POST /organizations/{organizationId}/api-keys',
  'POST /mailboxes/{mailboxId}/folder-rules',
  'POST /events/{eventId}/reject',
];

const routes = (await loadRoutes()).filter(
  (route) => route.method !== 'GET' && parametersOf(route).length > 0 && !withoutVersion.includes(nameOf(route)),
);

let world: AccessWorld;
let company: Company;
let ids: Readonly<Record<string, string>>;
let ownIds: Readonly<Record<string, Readonly<Record<string, string>>>>;

beforeAll(async () => {
  world = await startAccessWorld();
  company = await world.createCompany();
  const anna = await company.createPerson('anna');
  const create = async (path: string, body: object): Promise<string> =>
    (await company.admin('POST', `/v1${path}`, { body })).body.id;
  await company.admin('PUT', '/v1/record-types/project', { body: { displayName: 'Project' } });
  await company.admin('PUT', '/v1/records/contact/ext:carl', { body: { displayName: 'Carl' } });
  ids = {
    organizationId: company.id,
    keyId: await create('/api-keys', { name: 'further', role: 'reader' }),
    serverProfileId: company.serverProfileId,
    ownerId: anna.userId,
    mailboxId: anna.mailboxId,
    ruleId: await world.plantFolderRule(company.id, anna.mailboxId),
    type: 'contact',
    id: 'ext:carl',
    emailId: anna.emailId,
    decisionId: anna.decisionId,
    alertId: anna.alertId,
    operationId: anna.operationId,
    deadLetterId: await world.plantDeadLetter(company.id, anna.mailboxId),
    name: anna.consumer,
    webhookId: await create('/webhooks', { url: 'https://client.example/hook' }),
  };
  ownIds = {
    queues: { ownerId: await create('/queues', { name: 'Support' }) },
    teams: { ownerId: await create('/teams', { name: 'Sales' }) },
    'record-types': { type: 'project' },
  };
});
afterAll(async () => {
  await world?.hub.stop();
});

describe('a request that names another version than there is', () => {
  it.each(routes.map((route) => [nameOf(route), route] as const))('changes nothing: %s', async (_, route) => {
    const { body } = inputOf(route);
    const own = { ...ids, ...ownIds[route.path.split('/')[1] ?? ''] };
    const path = pathOf(route, (name) => own[name] ?? `no ${name} is known here`);
    const client = route.access === 'operator' ? world.hub.operator : company.admin;
    const query = nameOf(route) === 'DELETE /organizations/{organizationId}' ? '?confirm=any' : '';

    const answer = await client(route.method, `/v1${path}${query}`, {
      ...(body === undefined ? {} : { body }),
      headers: { 'if-match': '"999"' },
    });

    expect(answer).toMatchObject({ status: 412, body: { code: 'versionMismatch' } });
  });
});
