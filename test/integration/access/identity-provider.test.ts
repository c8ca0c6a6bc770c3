import { EncryptCommand, KMSClient } from '@aws-sdk/client-kms';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { clientSecretPurpose } from '../../../shared/session/identity-provider.ts';
import { type AuthorizationServer, startAuthorizationServer } from '../../support/authorization-server.ts';
import type { Answer, Client } from '../api-harness.ts';
import { type AccessWorld, type Company, type Person, startAccessWorld } from './access-world.ts';

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
  anybody = world.hub.client(null);
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

interface Begun {
  /** What the page has kept since the beginning. */
  readonly pending: string;
  readonly query: string;
}

/** The page that the identity provider has sent the browser back to. */
const comeBack = (begun: Begun): Promise<Answer> =>
  anybody('POST', '/v1/sign-in/identity-provider/callback', { body: begun });

/** A sign-in until the browser is sent back; `change` makes another address of where it is sent. */
const beginAndReturn = async (of = company, change: (url: URL) => void = () => undefined): Promise<Begun> => {
  const begun = await begin(of.id);
  if (begun.status !== 200) throw new Error(JSON.stringify(begun.body));
  const url = new URL(begun.body.authorizationUrl);
  change(url);
  return { pending: begun.body.pending, query: new URL(await issuer.browse(url.href, callbackUrl)).search.slice(1) };
};

const signIn = async (of?: Company): Promise<Answer> => comeBack(await beginAndReturn(of));

const outcome = ({ status, body }: Answer) => [status, body?.code];

describe('a sign-in at the identity provider', () => {
  it('is told of where the deployment has one', async () => {
    const { body } = await anybody('GET', '/v1/sign-in');

    expect(body).toEqual({ identityProvider: { host: new URL(issuer.issuer).host } });
  });

  it('asks for a code with PKCE, state and nonce, and leaves what it began with the page alone, which cannot read it', async () => {
    const before = (await world.hub.allRecords()).length;
    const { headers, body } = await begin();
    const asked = new URL(body.authorizationUrl).searchParams;

    expect(Object.fromEntries(asked)).toMatchObject({
      response_type: 'code',
      client_id: 'hub',
      redirect_uri: callbackUrl,
      scope: 'openid email',
      code_challenge_method: 'S256',
    });
    for (const name of ['state', 'nonce', 'code_challenge']) expect(asked.get(name)?.length).toBeGreaterThan(20);
    expect(headers['cache-control']).toBe('no-store');
    const readable = Buffer.from(body.pending.split('.')[1], 'base64url').toString();
    for (const name of ['state', 'nonce']) expect(readable).not.toContain(asked.get(name) ?? '?');
    expect(readable).not.toContain(callbackUrl);
    expect((await world.hub.allRecords()).length).toBe(before);
  });

  it('signs the user in whose address the issuer has verified, as a user and no more', async () => {
    const answer = await signIn();
    const page = world.hub.client(answer.body.token);

    expect([answer.status, answer.body.userId, answer.body.role]).toEqual([200, anna.userId, 'user']);
    expect(answer.headers['cache-control']).toBe('no-store');
    expect((await page('GET', '/v1/mailboxes')).body.data.map(({ id }: { id: string }) => id)).toEqual([
      anna.mailboxId,
    ]);
    expect((await page('GET', '/v1/settings')).status).toBe(403);
    expect(Date.parse(answer.body.expiresAt) - Date.parse(answer.body.createdAt)).toBe(3_600_000);
  });

  it('knows an address by however it is written', async () => {
    issuer.behaviour.account = 'Anna@CONTOSO.example';

    expect((await signIn()).body.userId).toBe(anna.userId);
  });

  it('is in the audit log with who vouched and for whom, and so is its end', async () => {
    const answer = await signIn();
    await world.hub.client(answer.body.token)('DELETE', '/v1/sessions/current');
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
    expect(answer.body).not.toHaveProperty('token');
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
    expect(answer.body).not.toHaveProperty('token');
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
    expect(answer.body).not.toHaveProperty('token');
  });

  it('anybody whose organization takes the permission back meanwhile', async () => {
    const begun = await beginAndReturn();
    await allow(company, { identityProvider: false });

    expect(outcome(await comeBack(begun))).toEqual([404, 'signInNotOffered']);
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
    const begun = await beginAndReturn();
    const both = await Promise.all([comeBack(begun), comeBack(begun)]);
    const later = await comeBack(begun);

    expect(both.map(outcome).sort()).toEqual([
      [200, undefined],
      [409, 'signInInterrupted'],
    ]);
    expect(outcome(later)).toEqual([409, 'signInInterrupted']);
  });

  it('to a browser that did not begin it is refused, and stays good for the one that did', async () => {
    const begun = await beginAndReturn();
    const { body: other } = await begin();
    const strangers = [await comeBack({ ...begun, pending: '' }), await comeBack({ ...begun, pending: other.pending })];

    expect(strangers.map(outcome)).toEqual(strangers.map(() => [409, 'signInInterrupted']));
    expect((await comeBack(begun)).status).toBe(200);
  });

  it('with something that somebody wrote in the place of what was kept is refused', async () => {
    const { pending, query } = await beginAndReturn();
    const other = await world.createCompany();
    const forged = [
      pending.replace(company.id, other.id),
      pending.replace(company.id, unknownOrganization),
      `${pending.slice(0, -8)}AAAAAAAA`,
      'nonsense',
    ];

    for (const one of forged)
      expect(outcome(await comeBack({ pending: one, query }))).toEqual([409, 'signInInterrupted']);
  });

  it('without its state, or with a code that nobody gave, is refused', async () => {
    const { pending, query } = await beginAndReturn();
    const withoutState = new URLSearchParams(query);
    withoutState.delete('state');
    const foreignCode = new URLSearchParams(query);
    foreignCode.set('code', 'made-up');

    expect(outcome(await comeBack({ pending, query: withoutState.toString() }))).toEqual([409, 'signInInterrupted']);
    expect(outcome(await comeBack({ pending, query: foreignCode.toString() }))).toEqual([409, 'signInInterrupted']);
  });

  it.each([
    ['nonce', 'signInRefused'],
    ['code_challenge', 'signInInterrupted'],
  ])('with a code that was made for another %s is refused', async (name, code) => {
    const begun = await beginAndReturn(company, (url) =>
      url.searchParams.set(name, 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM'),
    );
    const { body } = await comeBack(begun);

    expect([body.code, body.token]).toEqual([code, undefined]);
  });

  it('while the issuer is away says so, and who acts', async () => {
    const begun = await beginAndReturn();
    issuer.behaviour.tokenStatus = 503;
    const answer = await comeBack(begun);
    issuer.behaviour.tokenStatus = undefined;

    expect(outcome(answer)).toEqual([503, 'unavailable']);
  });

  it('after ten minutes is refused', async () => {
    const begun = await beginAndReturn();
    world.hub.advance(600_000);

    expect(outcome(await comeBack(begun))).toEqual([409, 'signInInterrupted']);
  });
});

describe('a session that the identity provider vouched for', () => {
  it('ends with the permission of the organization, and with the activity of the user', async () => {
    const page = world.hub.client((await signIn()).body.token);
    const status = async () => (await page('GET', '/v1/organization')).status;
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

  it('leaves no secret in the log and none in the tables', async () => {
    const begun = await beginAndReturn();
    const { body } = await comeBack(begun);
    const kept = world.hub.log.join('\n') + JSON.stringify(await world.hub.allRecords());
    const code = new URLSearchParams(begun.query).get('code') ?? '';
    const secrets = [begun.pending.slice(-40), body.token.slice(-40), code];

    for (const secret of [...secrets, ...issuer.issuedTokens, issuer.clientSecret])
      expect(kept.includes(secret)).toBe(false);
  });
});
