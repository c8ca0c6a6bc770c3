import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemAuthor } from '../../../shared/platform/change.ts';
import { createIdentifier } from '../../../shared/platform/identifier.ts';
import { createSession } from '../../../shared/session/manage-sessions.ts';
import { redeemSignInCode } from '../../../shared/session/sign-in-code.ts';
import type { Answer, Client } from '../api-harness.ts';
import { type AccessWorld, type Company, type Person, startAccessWorld } from './access-world.ts';
import { codeOf, cookieOf, inBrowser, openLink, redeem } from './browser.ts';

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

const signIn = async (): Promise<{ readonly cookie: string; readonly browser: Client; readonly token: string }> => {
  const { signInUrl, token } = await createLink();
  const cookie = cookieOf(await redeem(world.hub, signInUrl));
  return { cookie, browser: inBrowser(world.hub, cookie), token };
};

const outcome = ({ status, body }: Answer) => [status, body?.code];

describe('a link to the console', () => {
  it('leads to a page of the hub, with its code where no server ever sees it', async () => {
    const { signInUrl } = await createLink();
    const { origin, pathname, search, hash } = new URL(signInUrl);

    expect([origin, pathname, search]).toEqual(['https://hub.example', '/console/sign-in', '']);
    expect(hash).toMatch(/^#code=msi_\w+/);
  });

  it('signs the browser in, with a cookie that no script and no other site gets', async () => {
    const { signInUrl, userId, expiresAt } = await createLink({ expiresInSeconds: 600 });
    const { status, body, cookies } = await redeem(world.hub, signInUrl);

    expect([status, body.userId, body.expiresAt]).toEqual([200, userId, expiresAt]);
    expect(cookies).toHaveLength(1);
    const [pair, ...attributes] = cookies[0]?.split('; ') ?? [];
    expect(pair).toMatch(/^__Host-mailbox-sync-session=msb_[\w-]+$/);
    expect(attributes).toEqual(
      expect.arrayContaining([
        'HttpOnly',
        'Secure',
        'SameSite=Strict',
        'Path=/',
        expect.stringMatching(/^Max-Age=\d+$/),
      ]),
    );
    expect(attributes.join()).not.toContain('Domain');
    expect(Number(/Max-Age=(\d+)/.exec(cookies[0] ?? '')?.[1])).toBeLessThanOrEqual(600);
    expect(JSON.stringify(body)).not.toContain('msb_');
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
    expect(second.cookies).toEqual([]);
    expect((await inBrowser(world.hub, cookieOf(first))('GET', '/v1/organization')).status).toBe(200);
  });

  it('lets one of two in that come at once', async () => {
    for (let round = 0; round < 5; round += 1) {
      const { signInUrl } = await createLink();
      const answers = await Promise.all([1, 2, 3].map(() => redeem(world.hub, signInUrl)));

      expect(answers.map(({ status }) => status).sort()).toEqual([200, 410, 410]);
    }
  });

  it('lets the browser whose answer was lost ask again, and nobody else', async () => {
    const { signInUrl } = await createLink();
    const lost = await redeem(world.hub, signInUrl, 'made up by the first browser');
    const thief = await redeem(world.hub, signInUrl, 'made up by somebody else');
    const again = await redeem(world.hub, signInUrl, 'made up by the first browser');

    expect(outcome(thief)).toEqual([410, 'signInLinkOver']);
    expect(again.status).toBe(200);
    expect((await inBrowser(world.hub, cookieOf(again))('GET', '/v1/organization')).status).toBe(200);
    expect((await inBrowser(world.hub, cookieOf(lost))('GET', '/v1/organization')).status).toBe(401);
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
    const answer = await inBrowser(world.hub, '')('POST', '/v1/sign-in/link', {
      body: { code: wrong(created), attempt: 'made up by this browser' },
    });

    expect(outcome(answer)).toEqual([410, 'signInLinkOver']);
    expect((await redeem(world.hub, created.signInUrl)).status).toBe(200);
  });

  it('stays unused when a page of another site brings the code', async () => {
    const { signInUrl } = await createLink();
    const body = { code: codeOf(signInUrl), attempt: 'made up by an attacker' };
    const foreign = await world.hub.client(null)('POST', '/v1/sign-in/link', {
      body,
      headers: { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' },
    });

    expect(outcome(foreign)).toEqual([403, 'forbidden']);
    expect((await redeem(world.hub, signInUrl)).status).toBe(200);
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

  it('leaves neither code nor cookie in the log, and the act in the audit log', async () => {
    const { cookie } = await signIn();
    const { body } = await company.admin('GET', '/v1/audit-log?action=session.signedIn');
    const log = world.hub.log.join('\n');

    expect(body.data[0]).toMatchObject({ actor: { type: 'session', userId: anna.userId }, after: { role: 'user' } });
    expect(log).not.toMatch(/ms[bi]_/);
    expect(log).not.toContain(cookie.slice(-43));
    expect(JSON.stringify(await world.hub.allRecords())).not.toContain(cookie.slice(-43));
  });

  it('is over after a minute', async () => {
    const [late, used] = [await createLink(), await createLink()];
    await redeem(world.hub, used.signInUrl, 'made up by this browser');
    world.hub.advance(60_000);

    expect(outcome(await redeem(world.hub, late.signInUrl))).toEqual([410, 'signInLinkOver']);
    expect((await redeem(world.hub, used.signInUrl, 'made up by this browser')).status).toBe(410);
  });
});

describe('the cookie of a session', () => {
  it('may what the session may', async () => {
    const { browser } = await signIn();

    expect((await browser('GET', '/v1/sessions/current')).body.userId).toBe(anna.userId);
    expect((await browser('PATCH', `/v1/users/${anna.userId}`, { body: { filtering: 'all' } })).status).toBe(200);
    expect((await browser('GET', '/v1/settings')).status).toBe(403);
    expect((await browser('GET', '/v1/organizations')).status).toBe(403);
    expect((await browser('POST', '/v1/sessions', { body: { userId: anna.userId } })).status).toBe(403);
  });

  it('counts for nothing beside an Authorization header, be that right or wrong', async () => {
    const { cookie } = await signIn();
    const headers = { cookie, 'sec-fetch-site': 'same-origin' };
    const asKey = await company.admin('GET', '/v1/settings', { headers });
    const asNobody = await world.hub.client('nonsense')('GET', '/v1/organization', { headers });
    const asOther = await world.hub.client(null)('GET', '/v1/organization', {
      headers: { ...headers, authorization: 'Basic YTpi' },
    });

    expect([asKey.status, asNobody.status, asOther.status]).toEqual([200, 401, 401]);
  });

  it('is no bearer token, and a bearer token no cookie', async () => {
    const { cookie, token } = await signIn();
    const [name, value = ''] = cookie.split('=');

    expect((await world.hub.client(value)('GET', '/v1/organization')).status).toBe(401);
    expect((await inBrowser(world.hub, `${name}=${token}`)('GET', '/v1/organization')).status).toBe(401);
    // A sister domain may set a cookie of any name but those with the prefix.
    expect((await inBrowser(world.hub, `mailbox-sync-session=${value}`)('GET', '/v1/organization')).status).toBe(401);
  });

  it.each([
    ['of the hub, by its site', { 'sec-fetch-site': 'same-origin' }, 200],
    ['of the hub, by its origin', { origin: 'https://hub.example' }, 200],
    ['of another site', { 'sec-fetch-site': 'cross-site' }, 403],
    ['of a sister domain', { 'sec-fetch-site': 'same-site' }, 403],
    [
      'of another site that lies about its origin',
      { 'sec-fetch-site': 'cross-site', origin: 'https://hub.example' },
      403,
    ],
    ['of another origin', { origin: 'https://hub.example.evil.example' }, 403],
    ['in a sandboxed frame', { origin: 'null' }, 403],
    ['of nowhere: an address that was typed', { 'sec-fetch-site': 'none' }, 403],
    ['of nobody knows where', {}, 403],
  ])('lets a page write that is %s', async (_, headers: Readonly<Record<string, string>>, expected) => {
    const { cookie } = await signIn();
    const answer = await world.hub.client(null)('PATCH', `/v1/users/${anna.userId}`, {
      body: { filtering: 'responses' },
      headers: { cookie, ...headers },
    });

    expect(answer.status).toBe(expected);
  });

  it.each([
    ['of the hub', { 'sec-fetch-site': 'same-origin' }, 200],
    ['of nowhere: an address that was typed', { 'sec-fetch-site': 'none' }, 200],
    ['in an old browser', {}, 200],
    ['of another site', { 'sec-fetch-site': 'cross-site' }, 403],
    ['of a sister domain', { 'sec-fetch-site': 'same-site' }, 403],
  ])('lets a page read that is %s', async (_, headers: Readonly<Record<string, string>>, expected) => {
    const { cookie } = await signIn();

    const answer = await world.hub.client(null)('GET', '/v1/organization', { headers: { cookie, ...headers } });
    expect(answer.status).toBe(expected);
  });

  it('goes when the person signs out, and the bearer token with it', async () => {
    const { browser, token } = await signIn();
    const { status, cookies } = await browser('DELETE', '/v1/sessions/current');

    expect(status).toBe(204);
    expect(cookies).toEqual(['__Host-mailbox-sync-session=; Max-Age=0; Path=/; HttpOnly; SameSite=Strict; Secure']);
    expect((await browser('GET', '/v1/organization')).status).toBe(401);
    expect((await world.hub.client(token)('GET', '/v1/organization')).status).toBe(401);
  });

  it('ends at once when the CRM signs the session out', async () => {
    const { browser, token } = await signIn();
    const { cookies } = await world.hub.client(token)('DELETE', '/v1/sessions/current');

    expect(cookies).toEqual([]);
    expect((await browser('GET', '/v1/organization')).status).toBe(401);
  });

  it('goes also while the organization is suspended', async () => {
    const other = await world.createCompany();
    const carl = await other.createPerson('carl');
    const { body } = await other.crm('POST', '/v1/sessions', { body: { userId: carl.userId } });
    const browser = await openLink(world.hub, body.signInUrl);
    await world.hub.operator('POST', `/v1/organizations/${other.id}/suspend`, { body: { reason: 'unpaid' } });

    const sync = await browser('POST', `/v1/mailboxes/${carl.mailboxId}/sync`, { body: {} });
    const signOut = await browser('DELETE', '/v1/sessions/current');
    expect([sync.body.code, signOut.status, signOut.cookies.length]).toEqual(['organizationSuspended', 204, 1]);
  });
});
