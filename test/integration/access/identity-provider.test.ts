import { EncryptCommand, KMSClient } from '@aws-sdk/client-kms';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { clientSecretPurpose } from '../../../shared/session/identity-provider.ts';
import { type AuthorizationServer, startAuthorizationServer } from '../../support/authorization-server.ts';
import type { Answer, Client } from '../api-harness.ts';
import { type AccessWorld, type Company, type Person, startAccessWorld } from './access-world.ts';
import { cookieOf, inBrowser } from './browser.ts';

const callbackUrl = 'https://hub.example/console/sign-in/callback';
const unknownOrganization = 'org_00000000000000000000000000';

let issuer: AuthorizationServer;
let world: AccessWorld;
let company: Company;
let anna: Person;
let anybody: Client;

/** The option of the deployment, with the client secret as the secrets key made it unreadable. */
const optionOf = async (variables: Readonly<Record<string, string>>): Promise<Readonly<Record<string, string>>> => {
  const client = new KMSClient({
    endpoint: String(variables['AWS_ENDPOINT_URL']),
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  });
  const { CiphertextBlob = new Uint8Array() } = await client.send(
    new EncryptCommand({
      KeyId: variables['SECRETS_KEY_ID'],
      Plaintext: Buffer.from(issuer.clientSecret),
      EncryptionContext: { purpose: clientSecretPurpose },
    }),
  );
  return {
    IDENTITY_PROVIDER: JSON.stringify({
      issuer: issuer.issuer,
      clientId: issuer.clientId,
      clientSecretCiphertext: Buffer.from(CiphertextBlob).toString('base64'),
      organizationClaim: 'tenant',
      caCertificates: issuer.authority,
    }),
  };
};

const allow = (of: Company, access: Readonly<Record<string, unknown>>): Promise<Answer> =>
  of.admin('PATCH', '/v1/settings', { body: { access } });

beforeAll(async () => {
  issuer = await startAuthorizationServer(callbackUrl);
  world = await startAccessWorld(optionOf);
  anybody = inBrowser(world.hub, '');
  company = await world.createCompany();
  anna = await company.createPerson('anna');
});
afterAll(async () => {
  await world?.hub.stop();
  await issuer?.stop();
});
beforeEach(async () => {
  Object.assign(issuer.behaviour, {
    account: 'anna@contoso.example',
    verified: true,
    tenant: 'contoso',
    refuses: false,
  });
  await allow(company, { identityProvider: true, identityProviderOrganization: 'contoso' });
});

const begin = (organizationId = company.id): Promise<Answer> =>
  anybody('POST', '/v1/sign-in/identity-provider', { body: { organizationId } });

/** The page that the identity provider has sent the browser back to, with the cookie that the browser had since the begin. */
const comeBack = (cookie: string, query: string): Promise<Answer> =>
  inBrowser(world.hub, cookie)('POST', '/v1/sign-in/identity-provider/callback', { body: { query } });

interface Begun {
  readonly cookie: string;
  readonly query: string;
}

/** A sign-in until the browser is sent back; `change` makes another address of where it is sent. */
const beginAndReturn = async (of = company, change: (url: URL) => void = () => undefined): Promise<Begun> => {
  const begun = await begin(of.id);
  if (begun.status !== 200) throw new Error(JSON.stringify(begun.body));
  const url = new URL(begun.body.authorizationUrl);
  change(url);
  return { cookie: cookieOf(begun), query: new URL(await issuer.browse(url.href, callbackUrl)).search.slice(1) };
};

const signIn = async (of?: Company): Promise<Answer> => {
  const { cookie, query } = await beginAndReturn(of);
  return comeBack(cookie, query);
};

const outcome = ({ status, body }: Answer) => [status, body?.code];

describe('a sign-in at the identity provider', () => {
  it('is told of where the deployment has one', async () => {
    const { body } = await anybody('GET', '/v1/sign-in');

    expect(body).toEqual({ identityProvider: { host: new URL(issuer.issuer).host } });
  });

  it('asks for a code with PKCE, state and nonce, and keeps what it began in the browser alone', async () => {
    const before = (await world.hub.allRecords()).length;
    const { body, cookies } = await begin();
    const asked = new URL(body.authorizationUrl).searchParams;

    expect(Object.fromEntries(asked)).toMatchObject({
      response_type: 'code',
      client_id: 'hub',
      redirect_uri: callbackUrl,
      scope: 'openid email',
      code_challenge_method: 'S256',
    });
    for (const name of ['state', 'nonce', 'code_challenge']) expect(asked.get(name)?.length).toBeGreaterThan(20);
    expect(cookies).toHaveLength(1);
    expect(cookies[0]).toMatch(/^__Host-mailbox-sync-sign-in=.*; Path=\/; HttpOnly; SameSite=Strict; Secure$/);
    expect(cookies[0]).not.toContain(asked.get('state') ?? '?');
    expect((await world.hub.allRecords()).length).toBe(before);
  });

  it('signs the user in whose address the issuer has verified, as a user and no more', async () => {
    const answer = await signIn();
    const browser = inBrowser(world.hub, cookieOf(answer));

    expect([answer.status, answer.body.userId, answer.body.role]).toEqual([200, anna.userId, 'user']);
    expect(cookieOf(answer)).toMatch(/^__Host-mailbox-sync-session=msb_[\w-]+$/);
    expect((await browser('GET', '/v1/mailboxes')).body.data.map(({ id }: { id: string }) => id)).toEqual([
      anna.mailboxId,
    ]);
    expect((await browser('GET', '/v1/settings')).status).toBe(403);
    expect(Date.parse(answer.body.expiresAt) - Date.parse(answer.body.createdAt)).toBe(3_600_000);
  });

  it('knows an address by however it is written', async () => {
    issuer.behaviour.account = 'Anna@CONTOSO.example';

    expect((await signIn()).body.userId).toBe(anna.userId);
  });

  it('is in the audit log with who vouched and for whom, and so is its end', async () => {
    const answer = await signIn();
    await inBrowser(world.hub, cookieOf(answer))('DELETE', '/v1/sessions/current');
    const { body } = await company.admin('GET', '/v1/audit-log?limit=2');
    const [deleted, created] = body.data;

    expect(created).toMatchObject({
      action: 'session.created',
      actor: { type: 'identityProvider', id: issuer.issuer, userId: anna.userId },
      subject: { type: 'session', id: answer.body.id },
      after: { identity: { issuer: issuer.issuer, subject: 'anna@contoso.example' }, role: 'user' },
    });
    expect(deleted).toMatchObject({ action: 'session.deleted', actor: { type: 'session', userId: anna.userId } });
  });

  it('is refused with words when it is cancelled at the issuer', async () => {
    issuer.behaviour.refuses = true;
    const answer = await signIn();

    expect(outcome(answer)).toEqual([403, 'signInRefused']);
    expect(answer.body.cause).toContain('cancelled');
    expect(answer.cookies).toEqual([]);
  });
});

describe('who is not let in', () => {
  it.each([
    ['somebody whom the organization does not know', { account: 'nobody@contoso.example' }, 'no user'],
    ['an address that was not verified', { verified: false }, 'not verified'],
    ['an address of which the issuer says nothing', { verified: undefined }, 'not verified'],
    ['an account that has no address', { account: 'anna' }, 'does not tell'],
    ['somebody of another organization at the issuer', { tenant: 'fabrikam' }, 'another organization'],
    ['somebody of no organization at the issuer', { tenant: undefined }, 'another organization'],
  ])('%s', async (_, behaviour, words) => {
    Object.assign(issuer.behaviour, behaviour);
    const answer = await signIn();

    expect(outcome(answer)).toEqual([403, 'signInRefused']);
    expect(answer.body.cause).toContain(words);
    expect(answer.cookies).toEqual([]);
  });

  it('an inactive user', async () => {
    await company.createPerson('emil');
    await company.crm('PATCH', '/v1/users/ext:emil', { body: { status: 'inactive' } });
    issuer.behaviour.account = 'emil@contoso.example';

    expect(outcome(await signIn())).toEqual([409, 'userInactive']);
  });

  it('somebody of one organization to another, though that has a user of the same address', async () => {
    const other = await world.createCompany();
    const namesake = await other.createPerson('anna');
    await allow(other, { identityProvider: true, identityProviderOrganization: 'fabrikam' });

    expect(outcome(await signIn(other))).toEqual([403, 'signInRefused']);
    issuer.behaviour.tenant = 'fabrikam';
    expect((await signIn(other)).body.userId).toBe(namesake.userId);
  });

  it('the address of a queue', async () => {
    await company.crm('PUT', '/v1/queues/ext:support', {
      body: { name: 'Support', emailAddress: 'support@contoso.example' },
    });
    issuer.behaviour.account = 'support@contoso.example';

    expect(outcome(await signIn())).toEqual([403, 'signInRefused']);
  });

  it.each([
    ['has not allowed it', { identityProvider: false }],
    ['has not said which organization it is at the issuer', { identityProviderOrganization: null }],
  ])('anybody, where the organization %s: as where there is none', async (_, access) => {
    await allow(company, access);
    const [answer, unknown] = [await begin(), await begin(unknownOrganization)];

    const { instance: _one, ...body } = answer.body;
    const { instance: _other, ...ofUnknown } = unknown.body;
    expect([answer.status, body]).toEqual([404, ofUnknown]);
    expect(body.code).toBe('signInNotOffered');
    expect(answer.cookies).toEqual([]);
  });

  it('anybody whose organization takes the permission back meanwhile', async () => {
    const { cookie, query } = await beginAndReturn();
    await allow(company, { identityProvider: false });

    expect(outcome(await comeBack(cookie, query))).toEqual([404, 'signInNotOffered']);
  });

  it('anybody, where the organization names itself but the deployment tells its organizations apart by nothing', async () => {
    const { identityProvider } = world.hub.services;
    Object.assign(world.hub.services, { identityProvider: { ...identityProvider, organizationClaim: null } });
    const answer = await begin();
    await allow(company, { identityProviderOrganization: null });
    const alone = await signIn();
    Object.assign(world.hub.services, { identityProvider });

    expect(outcome(answer)).toEqual([404, 'signInNotOffered']);
    expect(alone.body.userId).toBe(anna.userId);
  });

  it('anybody, while the organization is suspended', async () => {
    const other = await world.createCompany();
    await allow(other, { identityProvider: true, identityProviderOrganization: 'contoso' });
    await world.hub.operator('POST', `/v1/organizations/${other.id}/suspend`, { body: { reason: 'unpaid' } });

    expect(outcome(await begin(other.id))).toEqual([403, 'organizationSuspended']);
  });
});

describe('a sign-in that comes back', () => {
  it('once more is refused, also by two at once', async () => {
    const { cookie, query } = await beginAndReturn();
    const both = await Promise.all([comeBack(cookie, query), comeBack(cookie, query)]);
    const later = await comeBack(cookie, query);

    expect(both.map(outcome).sort()).toEqual([
      [200, undefined],
      [409, 'signInInterrupted'],
    ]);
    expect(outcome(later)).toEqual([409, 'signInInterrupted']);
  });

  it('to a browser that did not begin it is refused, and stays good for the one that did', async () => {
    const { cookie, query } = await beginAndReturn();
    const other = await begin();
    const strangers = [await comeBack('', query), await comeBack(cookieOf(other), query)];

    expect(strangers.map(outcome)).toEqual(strangers.map(() => [409, 'signInInterrupted']));
    expect((await comeBack(cookie, query)).status).toBe(200);
  });

  it('with a cookie that somebody wrote is refused', async () => {
    const { cookie, query } = await beginAndReturn();
    const other = await world.createCompany();
    const forged = [
      cookie.replace(company.id, other.id),
      cookie.replace(company.id, unknownOrganization),
      `${cookie.slice(0, -8)}AAAAAAAA`,
      '__Host-mailbox-sync-sign-in=nonsense',
    ];

    for (const one of forged) expect(outcome(await comeBack(one, query))).toEqual([409, 'signInInterrupted']);
  });

  it('without its state, or with a code that nobody gave, is refused', async () => {
    const { cookie, query } = await beginAndReturn();
    const withoutState = new URLSearchParams(query);
    withoutState.delete('state');
    const foreignCode = new URLSearchParams(query);
    foreignCode.set('code', 'made-up');

    expect(outcome(await comeBack(cookie, withoutState.toString()))).toEqual([409, 'signInInterrupted']);
    expect(outcome(await comeBack(cookie, foreignCode.toString()))).toEqual([409, 'signInInterrupted']);
  });

  it.each([
    ['nonce', 'signInRefused'],
    ['code_challenge', 'signInInterrupted'],
  ])('with a code that was made for another %s is refused', async (name, code) => {
    const { cookie, query } = await beginAndReturn(company, (url) =>
      url.searchParams.set(name, 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM'),
    );
    const answer = await comeBack(cookie, query);

    expect([answer.body.code, answer.cookies]).toEqual([code, []]);
  });

  it('from a page of another site is refused, and stays good', async () => {
    const { cookie, query } = await beginAndReturn();
    const foreign = await world.hub.client(null)('POST', '/v1/sign-in/identity-provider/callback', {
      body: { query },
      headers: { cookie, 'sec-fetch-site': 'cross-site' },
    });

    expect(outcome(foreign)).toEqual([403, 'forbidden']);
    expect((await comeBack(cookie, query)).status).toBe(200);
  });

  it('while the issuer is away says so, and who acts', async () => {
    const { cookie, query } = await beginAndReturn();
    issuer.behaviour.tokenStatus = 503;
    const answer = await comeBack(cookie, query);
    issuer.behaviour.tokenStatus = undefined;

    expect([answer.status, answer.body.code, answer.cookies]).toEqual([503, 'unavailable', []]);
  });

  it('after ten minutes is refused', async () => {
    const { cookie, query } = await beginAndReturn();
    world.hub.advance(600_000);

    expect(outcome(await comeBack(cookie, query))).toEqual([409, 'signInInterrupted']);
  });
});

describe('a session that the identity provider vouched for', () => {
  it('ends with the permission of the organization, and with the activity of the user', async () => {
    const browser = inBrowser(world.hub, cookieOf(await signIn()));
    const status = async () => (await browser('GET', '/v1/organization')).status;
    const seen = [await status()];
    await allow(company, { identityProvider: false });
    seen.push(await status());
    await allow(company, { identityProvider: true });
    seen.push(await status());
    await company.crm('PATCH', `/v1/users/${anna.userId}`, { body: { status: 'inactive' } });
    seen.push(await status());
    await company.crm('PATCH', `/v1/users/${anna.userId}`, { body: { status: 'active' } });

    expect(seen).toEqual([200, 401, 200, 401]);
  });

  it('has no token but the one of the browser, and leaves none in the log', async () => {
    const { cookie, query } = await beginAndReturn();
    const answer = await comeBack(cookie, query);
    const log = world.hub.log.join('\n');
    const secrets = [cookie.slice(-40), cookieOf(answer).slice(-40), new URLSearchParams(query).get('code') ?? ''];

    expect(Object.keys(answer.body).sort()).toEqual(['createdAt', 'expiresAt', 'id', 'role', 'userId', 'version']);
    for (const secret of [...secrets, ...issuer.issuedTokens, issuer.clientSecret])
      expect(log.includes(secret)).toBe(false);
  });
});
