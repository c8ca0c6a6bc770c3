import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemAuthor } from '../../../shared/platform/change.ts';
import { createIdentifier } from '../../../shared/platform/identifier.ts';
import { createSession } from '../../../shared/session/manage-sessions.ts';
import { redeemSignInCode } from '../../../shared/session/sign-in-code.ts';
import type { Answer, Client } from '../api-harness.ts';
import { type AccessWorld, type Company, type Person, startAccessWorld } from './access-world.ts';
import { codeOf, openLink, redeem } from './browser.ts';

let world: AccessWorld;
let company: Company;
let anna: Person;

beforeAll(async () => {
  world = await startAccessWorld();
  company = await world.createCompany();
  anna = await company.createPerson('anna');
});
afterAll(async () => {
  await world?.hub.stop();
});

const createLink = async (fields: Readonly<Record<string, unknown>> = {}, by: Client = company.crm) =>
  (await by('POST', '/v1/sessions', { body: { userId: anna.userId, ...fields } })).body;

/** Somebody in the console, and the CRM with the token that it was given together with the link. */
const signIn = async (): Promise<{ readonly token: string; readonly page: Client; readonly crm: Client }> => {
  const { signInUrl, token: given } = await createLink();
  const { token } = (await redeem(world.hub, signInUrl)).body;
  return { token, page: world.hub.client(token), crm: world.hub.client(given) };
};

const statusOf = async (client: Client): Promise<number> => (await client('GET', '/v1/organization')).status;

const outcome = ({ status, body }: Answer) => [status, body?.code];

describe('a link to the console', () => {
  it('leads to a page of the hub, with its code where no server ever sees it', async () => {
    const { signInUrl } = await createLink();
    const { origin, pathname, search, hash } = new URL(signInUrl);

    expect([origin, pathname, search]).toEqual(['https://hub.example', '/console/sign-in', '']);
    expect(hash).toMatch(/^#code=msi_\w+/);
  });

  it('signs the page in with a bearer token of its own, which no cache keeps, for as long as the session', async () => {
    const { signInUrl, userId, expiresAt, token } = await createLink({ expiresInSeconds: 600 });
    const { status, headers, body } = await redeem(world.hub, signInUrl);

    expect([status, body.userId, body.expiresAt]).toEqual([200, userId, expiresAt]);
    expect(headers['cache-control']).toBe('no-store');
    expect(Object.keys(headers)).not.toContain('set-cookie');
    expect(body.token).toMatch(/^mss_[\w-]+$/);
    expect(body.token).not.toBe(token);
    expect(await statusOf(world.hub.client(body.token))).toBe(200);
  });

  it('uses nothing up for who only looks at the page, as scanners of links do', async () => {
    const { signInUrl } = await createLink();
    const { pathname } = new URL(signInUrl);
    for (let look = 0; look < 3; look += 1) await world.hub.client(null)('GET', pathname);

    expect((await redeem(world.hub, signInUrl)).status).toBe(200);
  });

  it('is good once', async () => {
    const { signInUrl } = await createLink();
    const first = await redeem(world.hub, signInUrl);
    const second = await redeem(world.hub, signInUrl);

    expect(first.status).toBe(200);
    expect(outcome(second)).toEqual([410, 'signInLinkOver']);
    expect(await statusOf(world.hub.client(first.body.token))).toBe(200);
  });

  it('lets one of two in that come at once', async () => {
    for (let round = 0; round < 5; round += 1) {
      const { signInUrl } = await createLink();
      const answers = await Promise.all([1, 2, 3].map(() => redeem(world.hub, signInUrl)));

      expect(answers.map(({ status }) => status).sort()).toEqual([200, 410, 410]);
    }
  });

  it('lets the page whose answer was lost ask again, with another token in the place of the lost one, and nobody else', async () => {
    const { signInUrl } = await createLink();
    const lost = await redeem(world.hub, signInUrl, 'made up by the first page');
    const thief = await redeem(world.hub, signInUrl, 'made up by somebody else');
    const again = await redeem(world.hub, signInUrl, 'made up by the first page');

    expect(outcome(thief)).toEqual([410, 'signInLinkOver']);
    expect(again.status).toBe(200);
    expect(await statusOf(world.hub.client(again.body.token))).toBe(200);
    expect(await statusOf(world.hub.client(lost.body.token))).toBe(401);
  });

  it('is given anew, and the first one ends, when the request for it is carried out again after a crash', async () => {
    const { store, now } = world.hub.services;
    const id = createIdentifier('ses', now().getTime());
    const input = { userId: anna.userId, role: 'user' as const, expiresInSeconds: 60, keyId: company.crmKeyId };
    const create = () => createSession({ store, now, author: systemAuthor }, company.id, id, input);
    const [lost, given] = [await create(), await create()];

    await expect(redeemSignInCode({ store, now }, lost.code, 'attempt')).rejects.toThrow('signInLinkOver');
    await expect(redeemSignInCode({ store, now }, given.code, 'attempt')).resolves.toBeDefined();
  });

  it.each([
    ['what is no code', () => 'nonsense'],
    ['a code of nobody', () => `msi_${'0'.repeat(52)}_${'A'.repeat(43)}`],
    ['the bearer token of the session', ({ token }: { token: string }) => token],
    [
      'the code with another secret',
      ({ signInUrl }: { signInUrl: string }) => `${codeOf(signInUrl).slice(0, -43)}${'A'.repeat(43)}`,
    ],
  ])('is not replaced by %s', async (_, wrong) => {
    const created = await createLink();
    const answer = await world.hub.client(null)('POST', '/v1/sign-in/link', {
      body: { code: wrong(created), attempt: 'made up by this page' },
    });

    expect(outcome(answer)).toEqual([410, 'signInLinkOver']);
    expect((await redeem(world.hub, created.signInUrl)).status).toBe(200);
  });

  it('ends with its session: signed out, its key gone, its user inactive, its organization suspended', async () => {
    const other = await world.createCompany();
    const dora = await other.createPerson('dora');
    const linkOf = async (by = other.crm) => (await by('POST', '/v1/sessions', { body: { userId: dora.userId } })).body;
    const { body: key } = await other.admin('POST', '/v1/api-keys', { body: { name: 'short', role: 'crm' } });
    const [signedOut, ofKey, ofInactive, ofSuspended] = [
      await linkOf(),
      await linkOf(world.hub.client(key.secret)),
      await linkOf(),
      await linkOf(),
    ];
    await world.hub.client(signedOut.token)('DELETE', '/v1/sessions/current');
    await other.admin('DELETE', `/v1/api-keys/${key.id}`);
    const over = [await redeem(world.hub, signedOut.signInUrl), await redeem(world.hub, ofKey.signInUrl)];
    await other.crm('PATCH', `/v1/users/${dora.userId}`, { body: { status: 'inactive' } });
    over.push(await redeem(world.hub, ofInactive.signInUrl));
    await other.crm('PATCH', `/v1/users/${dora.userId}`, { body: { status: 'active' } });
    await world.hub.operator('POST', `/v1/organizations/${other.id}/suspend`, { body: { reason: 'unpaid' } });

    expect(over.map(outcome)).toEqual(over.map(() => [410, 'signInLinkOver']));
    expect(outcome(await redeem(world.hub, ofSuspended.signInUrl))).toEqual([403, 'organizationSuspended']);
  });

  it('leaves neither code nor token in the log, and the act in the audit log', async () => {
    const { token } = await signIn();
    const { body } = await company.admin('GET', '/v1/audit-log?action=session.signedIn');
    const log = world.hub.log.join('\n');

    expect(body.data[0]).toMatchObject({ actor: { type: 'session', userId: anna.userId }, after: { role: 'user' } });
    expect(log).not.toMatch(/ms[si]_/);
    expect(log).not.toContain(token.slice(-43));
    expect(JSON.stringify(await world.hub.allRecords())).not.toContain(token.slice(-43));
  });

  it('is over after a minute', async () => {
    const [late, used] = [await createLink(), await createLink()];
    await redeem(world.hub, used.signInUrl, 'made up by this page');
    world.hub.advance(60_000);

    expect(outcome(await redeem(world.hub, late.signInUrl))).toEqual([410, 'signInLinkOver']);
    expect((await redeem(world.hub, used.signInUrl, 'made up by this page')).status).toBe(410);
  });
});

describe('the token that a link was exchanged for', () => {
  it('may what the session may', async () => {
    const { page } = await signIn();

    expect((await page('GET', '/v1/sessions/current')).body.userId).toBe(anna.userId);
    expect((await page('PATCH', `/v1/users/${anna.userId}`, { body: { filtering: 'all' } })).status).toBe(200);
    expect((await page('GET', '/v1/settings')).status).toBe(403);
    expect((await page('GET', '/v1/organizations')).status).toBe(403);
    expect((await page('POST', '/v1/sessions', { body: { userId: anna.userId } })).status).toBe(403);
  });

  it('leaves the one that the CRM was given good', async () => {
    const { page, crm } = await signIn();

    expect([await statusOf(page), await statusOf(crm)]).toEqual([200, 200]);
  });

  it('counts in the Authorization header and nowhere else', async () => {
    const { token } = await signIn();
    const nobody = world.hub.client(null);
    const answers = [
      await nobody('GET', '/v1/organization', { headers: { cookie: `__Host-mailbox-sync-session=${token}` } }),
      await nobody('GET', `/v1/organization?access_token=${token}`),
      await nobody('GET', '/v1/organization', { headers: { authorization: token } }),
      await nobody('GET', '/v1/organization', { headers: { authorization: `Basic ${token}` } }),
    ];

    expect(answers.map(({ status }) => status)).toEqual([401, 401, 401, 401]);
  });

  it.each(['page', 'crm'] as const)('ends with the session, which the %s signs out: nobody is left in', async (who) => {
    const signedIn = await signIn();
    const { status } = await signedIn[who]('DELETE', '/v1/sessions/current');

    expect([status, await statusOf(signedIn.page), await statusOf(signedIn.crm)]).toEqual([204, 401, 401]);
  });

  it('signs out also while the organization is suspended', async () => {
    const other = await world.createCompany();
    const carl = await other.createPerson('carl');
    const { body } = await other.crm('POST', '/v1/sessions', { body: { userId: carl.userId } });
    const page = await openLink(world.hub, body.signInUrl);
    await world.hub.operator('POST', `/v1/organizations/${other.id}/suspend`, { body: { reason: 'unpaid' } });

    const sync = await page('POST', `/v1/mailboxes/${carl.mailboxId}/sync`, { body: {} });
    const signOut = await page('DELETE', '/v1/sessions/current');
    expect([sync.body.code, signOut.status]).toEqual(['organizationSuspended', 204]);
  });
});
