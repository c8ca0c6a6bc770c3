import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ApiCall, startTestApi, type TestApi } from '../role-calls.ts';

let api: TestApi;
let call: ApiCall;

beforeAll(async () => {
  api = await startTestApi();
  call = (await api.createOrganization()).as('admin');
});

afterAll(async () => {
  await api?.stop();
});

const endpoint = (host: string, port: number) => ({ host, port, security: 'tls' });
const oauth = {
  source: 'mailbox',
  authentication: 'oauth2',
  issuer: 'https://127.0.0.1:8443/realms/mail',
  clientId: 'hub',
  clientSecret: 'cl1ent-secret',
};
const profile = (credentials: object, fields: object = {}) => ({
  name: 'By OAuth',
  kind: 'imapSmtp',
  incoming: { protocol: 'imap', ...endpoint('127.0.0.1', 993) },
  outgoing: { protocol: 'smtp', ...endpoint('127.0.0.1', 465) },
  credentials: { ...oauth, ...credentials },
  ...fields,
});
const refusal = async (credentials: object, fields: object = {}) => {
  const { status, body } = await call('POST', '/server-profiles', profile(credentials, fields));
  return [status, body.code, ...(body.errors ?? []).map((error: { pointer: string }) => error.pointer)];
};

describe('a server profile with OAuth', () => {
  it('names issuer and client, and never tells its secret again', async () => {
    const created = await call('POST', '/server-profiles', profile({ scopes: ['openid', 'mail'] }));
    const path = `/server-profiles/${created.body.id}`;
    const same = await call('PATCH', path, { credentials: { clientSecret: oauth.clientSecret } });
    const other = await call('PATCH', path, { credentials: { clientSecret: 'an0ther', scopes: null } });

    expect(created.body.credentials).toEqual({
      source: 'mailbox',
      authentication: 'oauth2',
      issuer: oauth.issuer,
      clientId: 'hub',
      tenantId: null,
      scopes: ['openid', 'mail'],
      allowedMailboxes: [],
      username: null,
      password: { isSet: false, setAt: null },
      clientSecret: { isSet: true, setAt: expect.any(String) },
    });
    expect([same.body.version, other.body.version, other.body.credentials.scopes]).toEqual([1, 2, null]);
    const seen = JSON.stringify([created.body, other.body, api.log, await api.allRecords()]);
    expect(seen).not.toContain(oauth.clientSecret);
    expect(seen).not.toContain('an0ther');
  });

  it('of kind gmail knows its servers and its issuer', async () => {
    const { status, body } = await call('POST', '/server-profiles', {
      name: 'Google',
      kind: 'gmail',
      credentials: { source: 'mailbox', authentication: 'oauth2', clientId: 'hub.apps.googleusercontent.com' },
    });

    expect([status, body.incoming, body.outgoing]).toEqual([
      201,
      { protocol: 'imap', host: 'imap.gmail.com', port: 993, security: 'tls' },
      { protocol: 'smtp', host: 'smtp.gmail.com', port: 465, security: 'tls' },
    ]);
  });

  it("in Microsoft's cloud names its tenant in the place of an issuer", async () => {
    const tenantId = 'contoso.onmicrosoft.com';

    expect((await call('POST', '/server-profiles', profile({ issuer: null, tenantId }))).status).toBe(201);
    expect(await refusal({ tenantId })).toEqual([400, 'invalidRequest', '#/credentials/tenantId']);
    for (const shared of ['common', 'organizations', 'consumers'])
      expect(await refusal({ issuer: null, tenantId: shared })).toEqual([
        400,
        'invalidRequest',
        '#/credentials/tenantId',
      ]);
  });

  it('is refused without what it needs', async () => {
    expect(await refusal({ issuer: null })).toEqual([400, 'invalidRequest', '#/credentials/issuer']);
    expect(await refusal({ clientId: null })).toEqual([400, 'invalidRequest', '#/credentials/clientId']);
    expect(await refusal({ issuer: 'https://me@127.0.0.1/?a=1' })).toEqual([
      400,
      'invalidRequest',
      '#/credentials/issuer',
    ]);
    expect(await refusal({ issuer: 'ldap://127.0.0.1' })).toEqual([400, 'invalidRequest', '#/credentials/issuer']);
    expect(await refusal({ scopes: ['two words'] })).toEqual([400, 'invalidRequest', '#/credentials/scopes/0']);
  });

  it('is refused where tokens would travel unprotected, to the issuer or to a mail server', async () => {
    const plain = { incoming: { protocol: 'imap', host: '127.0.0.1', port: 143, security: 'none' } };

    expect(await refusal({ issuer: 'http://127.0.0.1:8080' })).toEqual([
      400,
      'insecureCredentials',
      '#/credentials/issuer',
    ]);
    expect(await refusal({}, plain)).toEqual([400, 'insecureCredentials', '#/incoming/security']);
  });

  it('is refused when its issuer is a private host that the deployment has not opened, or a metadata service', async () => {
    for (const issuer of ['https://10.0.0.1', 'https://169.254.169.254/latest', 'https://[fd12::1]'])
      expect(await refusal({ issuer })).toEqual([400, 'hostNotAllowed', '#/credentials/issuer']);
  });

  it('signs in each mailbox or an application, never one login for all', async () => {
    expect(await refusal({ source: 'profile' })).toEqual([400, 'unsupportedCombination', '#/credentials/source']);
    expect(await refusal({ authentication: 'ntlm' })).toEqual([
      400,
      'unsupportedCombination',
      '#/credentials/authentication',
    ]);
  });
});

describe('detection', () => {
  it('suggests what a profile may be made of, for administrators', async () => {
    const organization = await api.createOrganization();
    const path = '/server-profiles/detect?emailAddress=anna%40gmail.com';

    const { status, body } = await call('GET', path);
    const { source: _, detail: __, username, credentials, ...suggested } = body.data.at(-1);
    const created = await call('POST', '/server-profiles', {
      name: 'Detected',
      ...suggested,
      credentials: { ...credentials, clientId: 'hub' },
    });

    expect([status, body.nextCursor, username]).toEqual([200, null, 'anna@gmail.com']);
    expect([created.status, created.body.kind, created.body.credentials.issuer]).toEqual([
      201,
      'gmail',
      'https://accounts.google.com',
    ]);
    expect((await organization.as('crm')('GET', path)).status).toBe(403);
    expect((await call('GET', '/server-profiles/detect?emailAddress=nobody')).body.errors).toMatchObject([
      { pointer: '#/query/emailAddress' },
    ]);
    expect((await call('GET', '/server-profiles/detect')).status).toBe(400);
  });
});

describe('a server profile of an application', () => {
  it('has a secret and a list of the mailboxes that it may open', async () => {
    const application = { source: 'application', allowedMailboxes: ['anna@contoso.example', '@other.example'] };

    expect((await call('POST', '/server-profiles', profile(application))).status).toBe(201);
    expect(await refusal({ ...application, clientSecret: undefined })).toEqual([
      400,
      'invalidRequest',
      '#/credentials/clientSecret',
    ]);
    expect(await refusal({ ...application, allowedMailboxes: [] })).toEqual([
      400,
      'invalidRequest',
      '#/credentials/allowedMailboxes',
    ]);
    expect(await refusal({ ...application, allowedMailboxes: ['contoso.example'] })).toEqual([
      400,
      'invalidRequest',
      '#/credentials/allowedMailboxes/0',
    ]);
  });

  it('is refused with a password, and at Google, which gives applications none of these tokens', async () => {
    const application = { source: 'application', allowedMailboxes: ['@contoso.example'] };

    expect(await refusal({ ...application, authentication: 'password' })).toEqual([
      400,
      'unsupportedCombination',
      '#/credentials/source',
    ]);
    expect(await refusal(application, { kind: 'gmail' })).toEqual([
      400,
      'unsupportedCombination',
      '#/credentials/source',
    ]);
    expect(await refusal({ ...application, issuer: 'https://accounts.google.com' })).toEqual([
      400,
      'unsupportedCombination',
      '#/credentials/source',
    ]);
  });
});
