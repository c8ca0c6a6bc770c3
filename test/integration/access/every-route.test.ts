import { DynamoDBDocumentClient, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CallerRole, Route } from '../../../functions/api/route.ts';
import { loadRoutes } from '../../../functions/api/routes/index.ts';
import type { Answer, Client } from '../api-harness.ts';
import { type AccessWorld, type Company, type Person, startAccessWorld } from './access-world.ts';
import { openLink } from './browser.ts';
import { inputOf, nameOf, parametersOf, pathOf } from './route-inputs.ts';

const routes = await loadRoutes();
const closed = routes.filter(({ access }) => access !== 'open');
const unknownId = (prefix: string): string => `${prefix}_${'0'.repeat(26)}`;

let world: AccessWorld;
let company: Company;
let anna: Person;
let ben: Person;
let callers: Readonly<Record<CallerRole | 'operator' | 'adminSession' | 'console', Client>>;
let dead: Readonly<Record<string, Client>>;
/** Of another organization, by the parameter that it is named by; with what no organization has. */
let foreign: Readonly<Record<string, { readonly id: string; readonly unknown: string }>>;
let reads = 0;

const { send } = DynamoDBDocumentClient.prototype;

const signIn = async (of: Company, body: Readonly<Record<string, unknown>>): Promise<Client> =>
  world.hub.client((await of.admin('POST', '/v1/sessions', { body })).body.token);

const consoleOf = async (of: Company, { userId }: Person): Promise<Client> =>
  openLink(world.hub, (await of.crm('POST', '/v1/sessions', { body: { userId } })).body.signInUrl);

const keyOf = async (of: Company, fields: Readonly<Record<string, unknown>> = {}) => {
  const { status, body } = await of.admin('POST', '/v1/api-keys', {
    body: { name: 'short', role: 'admin', ...fields },
  });
  if (status !== 201) throw new Error(JSON.stringify(body));
  return body;
};

/** Credentials of every kind that were good once, and a good one where none is looked for. */
const buryCredentials = async (): Promise<typeof dead> => {
  const deletedKey = await keyOf(company);
  await company.admin('DELETE', `/v1/api-keys/${deletedKey.id}`);
  const soon = new Date(world.hub.services.now().getTime() + 60_000).toISOString();
  const expiredKey = await keyOf(company, { expiresAt: soon });
  const signedOut = await signIn(company, { userId: ben.userId, role: 'admin' });
  await signedOut('DELETE', '/v1/sessions/current');
  const expiredSession = await signIn(company, { userId: ben.userId, role: 'admin', expiresInSeconds: 60 });
  const dora = await company.createPerson('dora');
  const ofInactive = await signIn(company, { userId: dora.userId, role: 'admin' });
  const signedOutConsole = await consoleOf(company, ben);
  await signedOutConsole('DELETE', '/v1/sessions/current');
  const consoleOfInactive = await consoleOf(company, dora);
  await company.crm('PATCH', `/v1/users/${dora.userId}`, { body: { status: 'inactive' } });
  const goodKey = await keyOf(company);
  const gone = await world.createCompany();
  await world.hub.operator('DELETE', `/v1/organizations/${gone.id}?confirm=Contoso`);
  world.hub.advance(61_000);
  return {
    none: world.hub.client(null),
    nonsense: world.hub.client('nonsense'),
    deletedKey: world.hub.client(deletedKey.secret),
    expiredKey: world.hub.client(expiredKey.secret),
    signedOut,
    expiredSession,
    ofInactive,
    ofErasedOrganization: gone.admin,
    signedOutConsole,
    consoleOfInactive,
    inCookie: (method, path, call = {}) =>
      world.hub.client(null)(method, path, { ...call, headers: { cookie: `token=${goodKey.secret}` } }),
    withoutScheme: (method, path, call = {}) =>
      world.hub.client(null)(method, path, { ...call, headers: { authorization: goodKey.secret } }),
  };
};

/** A new parameter of a path needs a foreign thing here. */
const plantForeign = async (): Promise<typeof foreign> => {
  const other = await world.createCompany();
  const carl = await other.createPerson('carl');
  const create = async (path: string, body: unknown) => (await other.admin('POST', path, { body })).body.id as string;
  const { body: record } = await other.crm('PUT', '/v1/records/contact/ext:c-1', { body: { displayName: 'Contact' } });
  const attachment = { fileName: 'a.txt', contentType: 'text/plain', contentBase64: 'YQ==' };
  await other.crm('PUT', '/v1/record-types/shipment', { body: { displayName: 'Shipment' } });
  const named = (id: string) => ({ id, unknown: unknownId(id.slice(0, 3)) });
  return {
    mailboxId: named(carl.mailboxId),
    emailId: named(carl.emailId),
    decisionId: named(carl.decisionId),
    alertId: named(carl.alertId),
    operationId: named(carl.operationId),
    keyId: named(other.crmKeyId),
    serverProfileId: named(other.serverProfileId),
    attachmentId: named(await create(`/v1/emails/${carl.emailId}/attachments`, attachment)),
    webhookId: named(await create('/v1/webhooks', { url: 'https://127.0.0.1:9/hook', types: ['email.*'] })),
    'users ownerId': named(carl.userId),
    'queues ownerId': named(await create('/v1/queues', { name: 'Queue' })),
    'teams ownerId': named(await create('/v1/teams', { name: 'Team' })),
    id: named(record.id),
    deadLetterId: named(await world.plantDeadLetter(other.id, carl.mailboxId)),
    ruleId: named(await world.plantFolderRule(other.id, carl.mailboxId)),
    eventId: { id: `evt_${'0'.repeat(10)}${carl.emailId.slice(4)}`, unknown: `evt_${'0'.repeat(36)}` },
    name: { id: carl.consumer, unknown: 'of-nobody' },
    type: { id: 'shipment', unknown: 'nothing' },
  };
};

beforeAll(async () => {
  world = await startAccessWorld();
  company = await world.createCompany();
  [anna, ben] = [await company.createPerson('anna'), await company.createPerson('ben')];
  await company.crm('PUT', '/v1/records/contact/ext:carl', { body: { displayName: 'Carl' } });
  callers = {
    operator: world.hub.operator,
    admin: company.admin,
    crm: company.crm,
    reader: company.reader,
    user: anna.session,
    console: await consoleOf(company, anna),
    adminSession: await signIn(company, { userId: ben.userId, role: 'admin', expiresInSeconds: 43_200 }),
  };
  dead = await buryCredentials();
  foreign = await plantForeign();
  // Writes are left out: the requests themselves are counted now and then, whatever they ask for.
  DynamoDBDocumentClient.prototype.send = function count(this: unknown, ...parameters: unknown[]) {
    if (!(parameters[0] instanceof UpdateCommand)) reads += 1;
    return Reflect.apply(send, this, parameters);
  } as typeof send;
});
afterAll(async () => {
  DynamoDBDocumentClient.prototype.send = send;
  await world?.hub.stop();
});

const roleOf: Readonly<Record<string, CallerRole>> = { adminSession: 'admin', console: 'user' };

const mayCall = ({ access }: Route, caller: string): boolean => {
  if (access === 'operator') return caller === 'operator';
  return access !== 'open' && access.includes((roleOf[caller] ?? caller) as CallerRole);
};

const foreignOf = ({ path }: Route, parameter: string) => {
  const found = foreign[`${path.split('/')[1]} ${parameter}`] ?? foreign[parameter];
  if (found === undefined) throw new Error(`Say in plantForeign what a foreign ${parameter} is`);
  return found;
};

const call = (client: Client, route: Route, fill: (parameter: string) => string): Promise<Answer> => {
  const { body, query } = inputOf(route);
  const path = `/v1${pathOf(route, fill)}${query}`;
  return client(route.method, path, body === undefined ? {} : { body });
};

/** An answer without what differs between any two requests, and without what was asked for. */
const sight = ({ status, headers, body }: Answer, asked: string) => {
  const { 'request-id': _id, ...others } = headers;
  const { instance: _instance, ...problem } = body ?? {};
  return { status, headers: others, body: JSON.stringify(problem).replaceAll(asked, '…') };
};

const costOf = async (work: () => Promise<Answer>): Promise<{ readonly answer: Answer; readonly requests: number }> => {
  const before = reads;
  const answer = await work();
  return { answer, requests: reads - before };
};

describe('every route', () => {
  it.each(closed.map((route) => [nameOf(route), route] as const))(
    '%s answers 401 to dead credentials',
    async (_, route) => {
      for (const [kind, client] of Object.entries(dead)) {
        const { status, headers, body } = await call(client, route, () => unknownId('mbx'));
        expect([kind, status, body.code, headers['www-authenticate']]).toEqual([
          kind,
          401,
          'unauthenticated',
          'Bearer',
        ]);
      }
    },
  );

  it.each(closed.map((route) => [nameOf(route), route] as const))('%s answers 403 to other roles', async (_, route) => {
    for (const [role, client] of Object.entries(callers)) {
      if (mayCall(route, role)) continue;
      const { status, body } = await call(client, route, () => unknownId('mbx'));
      expect([role, status, body.code]).toEqual([role, 403, 'forbidden']);
    }
  });
});

/** What a caller names itself and may so create under any name. */
const createsByName = new Set(['PUT /consumers/{name}', 'PUT /record-types/{type}']);

const addressed = closed.filter(
  (route) => route.access !== 'operator' && parametersOf(route).length > 0 && !createsByName.has(nameOf(route)),
);

describe('a thing of another organization', () => {
  it.each(addressed.map((route) => [nameOf(route), route] as const))(
    '%s answers, and costs, as one that does not exist',
    async (_, route) => {
      const client = mayCall(route, 'admin') ? callers.admin : callers.user;
      for (const foreignParameter of parametersOf(route)) {
        // Whatever stands above it is our own, so that it is this one that decides.
        const own: Readonly<Record<string, string>> = {
          mailboxId: anna.mailboxId,
          emailId: anna.emailId,
          type: 'contact',
        };
        const value = (kind: 'id' | 'unknown') => (parameter: string) =>
          parameter === foreignParameter ? foreignOf(route, parameter)[kind] : (own[parameter] ?? unknownId('mbx'));
        const theirs = await costOf(() => call(client, route, value('id')));
        const nobodys = await costOf(() => call(client, route, value('unknown')));

        const { id, unknown } = foreignOf(route, foreignParameter);
        expect(sight(theirs.answer, id)).toEqual(sight(nobodys.answer, unknown));
        expect(theirs.requests).toBe(nobodys.requests);
        // Lists of what a record type that is not known has are empty.
        if (nameOf(route) !== 'GET /records/{type}') expect(theirs.answer.status).toBe(404);
      }
    },
  );
});

const usersRoutes = addressed.filter((route) => mayCall(route, 'user'));

describe('a thing of another user', () => {
  it.each(usersRoutes.map((route) => [nameOf(route), route] as const))(
    '%s answers a user as if it did not exist',
    async (_, route) => {
      const others: Readonly<Record<string, string>> = {
        mailboxId: ben.mailboxId,
        emailId: ben.emailId,
        decisionId: ben.decisionId,
        alertId: ben.alertId,
        operationId: ben.operationId,
        ownerId: ben.userId,
        name: ben.consumer,
      };
      const [first = ''] = parametersOf(route);
      if (others[first] === undefined) throw new Error(`Say here what another user's ${first} is`);
      const value = (of: string) => (parameter: string) =>
        parameter === first ? of : foreignOf(route, parameter).unknown;
      const theirs = await call(callers.user, route, value(others[first]));
      const nobodys = await call(callers.user, route, value(foreignOf(route, first).unknown));

      expect(theirs.status).toBe(404);
      expect(sight(theirs, others[first])).toEqual(sight(nobodys, foreignOf(route, first).unknown));
    },
  );
});
