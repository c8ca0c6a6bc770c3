import { Logger } from '@aws-lambda-powertools/logger';
import type { Context } from 'aws-lambda';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createApi } from '../../../functions/api/create-api.ts';
import { createServices } from '../../../functions/api/create-services.ts';
import { routeGroups } from '../../../functions/api/routes/index.ts';
import { readAnswer, toEvent, walkPages } from '../api-harness.ts';
import { type ApiCall, startTestApi, type TestApi, type TestOrganization } from '../role-calls.ts';

// A certificate that nothing uses.
const certificate = `-----BEGIN CERTIFICATE-----
MIIBczCCARmgAwIBAgIUepd/PDBQ9nSPhcUsp/WrkGeS+FEwCgYIKoZIzj0EAwIw
DzENMAsGA1UEAwwEdGVzdDAeFw0yNjExMjQxMzQ1MDhaFw0zNjExMjExMzQ1MDha
MA8xDTALBgNVBAMMBHRlc3QwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAQBHzWV
UUco2QQSJI6ikcY8D45pI3puCVWCeRu2SOOUyi86Q4BC+ZxtOyI4bTot59XGQFF1
vnm0WJftwPzwGZDvo1MwUTAdBgNVHQ4EFgQUQpeHMVpK477BxHblU2Z/sPRDrpww
HwYDVR0jBBgwFoAUQpeHMVpK477BxHblU2Z/sPRDrpwwDwYDVR0TAQH/BAUwAwEB
/zAKBggqhkjOPQQDAgNIADBFAiAGJbbPky7CgGSpYIA+TFMhaHKi+noUUoesdwBh
B7wm0AIhAIcwAydtrQqR23jOMi5WV9kG4RGgCvdffd9yrZjq3r+H
-----END CERTIFICATE-----
`;

const dovecot = {
  name: 'Dovecot',
  kind: 'imapSmtp',
  incoming: { protocol: 'imap', host: '127.0.0.1', port: 993, security: 'tls' },
  outgoing: { protocol: 'smtp', host: '127.0.0.1', port: 465, security: 'tls' },
  credentials: { source: 'mailbox', authentication: 'password' },
};

let api: TestApi;
let organization: TestOrganization;
let call: ApiCall;

beforeAll(async () => {
  api = await startTestApi();
});

afterAll(async () => {
  await api?.stop();
});

beforeEach(async () => {
  organization = await api.createOrganization();
  call = organization.as('admin');
});

const create = async (fields: Readonly<Record<string, unknown>> = {}) =>
  (await call('POST', '/server-profiles', { ...dovecot, ...fields })).body;

describe('a server profile', () => {
  it('is created with the defaults of what it leaves out', async () => {
    const { status, headers, body } = await call('POST', '/server-profiles', dovecot);

    expect(status).toBe(201);
    expect(headers['location']).toBe(`/v1/server-profiles/${body.id}`);
    expect(headers['etag']).toBe('"1"');
    expect(body).toEqual({
      id: expect.stringMatching(/^prf_[0-9A-Z]{16,40}$/),
      version: 1,
      createdAt: expect.any(String),
      updatedAt: expect.any(String),
      ...dovecot,
      credentials: {
        ...dovecot.credentials,
        username: null,
        password: { isSet: false, setAt: null },
        issuer: null,
        clientId: null,
        clientSecret: { isSet: false, setAt: null },
        tenantId: null,
        scopes: null,
        allowedMailboxes: [],
      },
      maxConnections: 10,
      timeoutSeconds: 60,
      minPollingMinutes: 0,
      alertOwnerOnOutage: false,
      moveUndeliverable: false,
      sendLimits: null,
      processEmailFrom: null,
      ownerId: null,
      caCertificates: null,
      status: 'active',
    });
    expect((await call('GET', `/server-profiles/${body.id}`)).body).toEqual(body);
  });

  it('is made once, however often the same request comes', async () => {
    const headers = { 'idempotency-key': 'profile-1' };

    const first = await call('POST', '/server-profiles', dovecot, headers);
    const again = await call('POST', '/server-profiles', dovecot, headers);

    expect(again.body).toEqual(first.body);
    expect((await call('GET', '/server-profiles')).body.data).toHaveLength(1);
  });

  it('lists newest first, page by page', async () => {
    const made = [await create({ name: 'one' }), await create({ name: 'two' }), await create({ name: 'three' })];

    const listed = await walkPages((method, path) => call(method, path.replace('/v1', '')), '/v1/server-profiles');

    expect(listed).toEqual([...made].reverse());
  });

  it('is changed by what a PATCH names; null takes a field back to its default', async () => {
    const { id } = await create({ maxConnections: 3, caCertificates: certificate });

    const { body } = await call('PATCH', `/server-profiles/${id}`, {
      name: 'Mail',
      incoming: { port: 1993 },
      maxConnections: null,
      caCertificates: null,
      status: 'inactive',
    });

    expect(body).toMatchObject({
      version: 2,
      name: 'Mail',
      incoming: { ...dovecot.incoming, port: 1993 },
      maxConnections: 10,
      caCertificates: null,
      status: 'inactive',
    });
  });

  it('keeps its version when a PATCH changes nothing, the same password included', async () => {
    const credentials = { source: 'profile', authentication: 'password', username: 'service', password: 'S3cret-word' };
    const { id } = await create({ credentials });

    const again = await call('PATCH', `/server-profiles/${id}`, { name: 'Dovecot', credentials });
    const other = await call('PATCH', `/server-profiles/${id}`, { credentials: { password: 'An0ther-word' } });

    expect(again).toMatchObject({ status: 200, body: { version: 1 } });
    expect(other).toMatchObject({ status: 200, body: { version: 2 } });
  });

  it('never tells its password again, in an answer, a log line or a stored item', async () => {
    const credentials = { source: 'profile', authentication: 'password', username: 'service', password: 'S3cret-word' };

    const { body } = await call('POST', '/server-profiles', { ...dovecot, credentials });
    const refused = await call('POST', '/server-profiles', { ...dovecot, credentials: { ...credentials, port: 1 } });
    const cleared = await call('PATCH', `/server-profiles/${body.id}`, { credentials: { password: null } });

    expect(body.credentials).toMatchObject({
      source: 'profile',
      authentication: 'password',
      username: 'service',
      password: { isSet: true, setAt: expect.any(String) },
    });
    expect(refused.status).toBe(400);
    expect(cleared.body.credentials.password).toEqual({ isSet: false, setAt: null });
    const everything = JSON.stringify([body, refused.body, cleared.body, api.log, await api.allRecords()]);
    expect(everything).not.toContain('S3cret-word');
  });

  it('is changed only in the version that If-Match names', async () => {
    const { id } = await create();
    const path = `/server-profiles/${id}`;

    const fresh = await call('PATCH', path, { name: 'one' }, { 'if-match': '"1"' });
    const stale = await call('PATCH', path, { name: 'two' }, { 'if-match': '"1"' });
    const test = await call('POST', `${path}/test`, {}, { 'if-match': '"1"' });
    const deletion = await call('DELETE', path, undefined, { 'if-match': '"1"' });

    expect(fresh.status).toBe(200);
    for (const refused of [stale, test, deletion])
      expect(refused).toMatchObject({ status: 412, body: { code: 'versionMismatch' } });
    expect((await call('GET', path)).body).toMatchObject({ name: 'one', version: 2 });
  });

  it('belongs to a user or a team, by id or externalId', async () => {
    const user = (await call('PUT', '/users/ext:u-1', { fullName: 'Anna' })).body;

    const profile = await create({ ownerId: 'ext:u-1' });
    const unknown = await call('POST', '/server-profiles', { ...dovecot, ownerId: 'ext:u-2' });

    expect(profile.ownerId).toBe(user.id);
    expect(unknown).toMatchObject({ status: 400, body: { errors: [{ pointer: '#/ownerId', code: 'notFound' }] } });
  });

  it('is deleted once no mailbox uses it any more', async () => {
    const { id } = await create();
    const { mailboxId } = (await call('PUT', '/users/ext:u-1', { fullName: 'Anna' })).body;
    await call('PATCH', `/mailboxes/${mailboxId}`, { serverProfileId: id });

    const used = await call('DELETE', `/server-profiles/${id}`);
    await call('PATCH', `/mailboxes/${mailboxId}`, { serverProfileId: null });
    const unused = await call('DELETE', `/server-profiles/${id}`);

    expect(used).toMatchObject({ status: 409, body: { code: 'profileInUse' } });
    expect(unused.status).toBe(204);
    expect((await call('GET', `/server-profiles/${id}`)).status).toBe(404);
    expect((await call('PATCH', `/mailboxes/${mailboxId}`, { serverProfileId: id })).body).toMatchObject({
      code: 'invalidRequest',
      errors: [{ pointer: '#/serverProfileId', code: 'notFound' }],
    });
  });

  it('is an administrator’s affair', async () => {
    const { id } = await create();

    for (const role of ['crm', 'reader'] as const) {
      const other = organization.as(role);
      expect((await other('POST', '/server-profiles', dovecot)).status).toBe(403);
      expect((await other('PATCH', `/server-profiles/${id}`, { name: 'x' })).status).toBe(403);
      expect((await other('POST', `/server-profiles/${id}/test`)).status).toBe(403);
      expect((await other('DELETE', `/server-profiles/${id}`)).status).toBe(403);
      expect((await other('GET', `/server-profiles/${id}`)).status).toBe(403);
    }
  });

  it('answers another organization as one that does not exist', async () => {
    const { id } = await create();
    const other = (await api.createOrganization()).as('admin');
    const unknown = `prf_${'0'.repeat(26)}`;

    for (const [method, suffix] of [
      ['GET', ''],
      ['PATCH', ''],
      ['DELETE', ''],
      ['POST', '/test'],
      ['GET', '/health'],
    ] as const) {
      const foreign = await other(method, `/server-profiles/${id}${suffix}`);
      const missing = await other(method, `/server-profiles/${unknown}${suffix}`);
      expect(foreign.status).toBe(404);
      expect({ ...foreign.body, instance: '' }).toEqual({ ...missing.body, instance: '' });
    }
    expect((await other('GET', '/server-profiles')).body.data).toEqual([]);
  });
});

describe('a server profile is refused', () => {
  const refusal = async (fields: Readonly<Record<string, unknown>>) => {
    const { status, body } = await call('POST', '/server-profiles', { ...dovecot, ...fields });
    return [status, body.code, ...(body.errors ?? []).map((error: { pointer: string }) => error.pointer)];
  };
  const host = (name: string) => ({ incoming: { ...dovecot.incoming, host: name } });

  it('with every wrong field at once', async () => {
    const found = await refusal({ name: '', maxConnections: 301, timeoutSeconds: 0, surprise: 1, outgoing: undefined });

    expect(found.slice(0, 2)).toEqual([400, 'invalidRequest']);
    expect(found.slice(2).sort()).toEqual(
      ['#/name', '#/maxConnections', '#/timeoutSeconds', '#/surprise', '#/outgoing'].sort(),
    );
  });

  it('of a kind that this deployment does not have', async () => {
    for (const kind of ['exchangeOnline', 'exchangeServer', 'dav'])
      expect(await refusal({ kind })).toEqual([400, 'invalidRequest', '#/kind']);
  });

  it('with protocols that do not go with IMAP and SMTP', async () => {
    const { incoming, outgoing } = dovecot;

    expect(await refusal({ incoming: { ...incoming, protocol: 'pop3' } })).toEqual([
      400,
      'unsupportedCombination',
      '#/incoming/protocol',
    ]);
    expect(await refusal({ outgoing: { ...outgoing, protocol: 'graph' } })).toEqual([
      400,
      'unsupportedCombination',
      '#/outgoing/protocol',
    ]);
  });

  it('when the password would travel unprotected', async () => {
    const unprotected = { incoming: { ...dovecot.incoming, security: 'none' } };

    expect(await refusal(unprotected)).toEqual([400, 'insecureCredentials', '#/incoming/security']);
    const { id } = await create({ ...unprotected, credentials: { source: 'mailbox', authentication: 'none' } });
    expect(
      (await call('PATCH', `/server-profiles/${id}`, { credentials: { authentication: 'password' } })).body.code,
    ).toBe('insecureCredentials');
  });

  it('with text that is no certificate', async () => {
    for (const caCertificates of [
      'not a certificate',
      certificate.replace('MIIB', 'AAAA'),
      `${certificate}-----BEGIN PRIVATE KEY-----\nAA==\n-----END PRIVATE KEY-----\n`,
    ])
      expect(await refusal({ caCertificates })).toEqual([400, 'invalidRequest', '#/caCertificates']);
    expect(await create({ caCertificates: certificate + certificate })).toHaveProperty('id');
  });

  it('on what is no host, such as one with its port', async () => {
    for (const name of [
      'imap.example:993',
      '10.1.2.3:993',
      '1:2',
      ':',
      '[::1]',
      'imap..example',
      'imap.example.',
      '-a',
    ])
      expect([name, ...(await refusal(host(name)))]).toEqual([name, 400, 'invalidRequest', '#/incoming/host']);
  });

  it('on a private host that the deployment has not opened', async () => {
    for (const name of ['10.1.2.3', '192.168.0.1', '172.16.0.9', '[::ffff:10.0.0.1]'.slice(1, -1), 'fd12::1'])
      expect(await refusal(host(name))).toEqual([400, 'hostNotAllowed', '#/incoming/host']);
  });

  /** As a deployment answers that has opened other ranges. */
  const askWhere = async (ranges: string) => {
    const allowed = process.env['ALLOWED_HOST_RANGES'];
    process.env['ALLOWED_HOST_RANGES'] = ranges;
    const open = createApi(createServices(), routeGroups, new Logger({ serviceName: 'test', logLevel: 'SILENT' }));
    process.env['ALLOWED_HOST_RANGES'] = allowed;
    const { secret: key } = (await call('POST', '/api-keys', { name: 'other', role: 'admin' })).body;
    return async (name: string) => {
      const body = { ...dovecot, ...host(name), outgoing: { ...dovecot.outgoing, host: 'smtp.example' } };
      return readAnswer(await open(toEvent('POST', '/v1/server-profiles', key, { body }), {} as Context));
    };
  };

  it('on a link-local or metadata host, whatever the deployment has opened', async () => {
    const post = await askWhere('10.0.0.0/8,169.254.0.0/16,fe80::/10,fd00::/8');

    expect((await post('10.1.2.3')).status).toBe(201);
    for (const name of ['169.254.169.254', 'fe80::1', 'fd00:ec2::254', '0.0.0.0'])
      expect((await post(name)).body).toMatchObject({
        code: 'hostNotAllowed',
        errors: [{ pointer: '#/incoming/host' }],
      });
    // Loopback is private, too: this deployment did not open it.
    expect((await post('localhost')).body.code).toBe('hostNotAllowed');
  });

  it('for its hosts only where they are new: one that is closed by now can be turned off', async () => {
    const path = `/server-profiles/${(await (await askWhere('10.0.0.0/8'))('10.1.2.3')).body.id}`;

    expect((await call('PATCH', path, { status: 'inactive' })).body.status).toBe('inactive');
    expect((await call('PATCH', path, { incoming: { host: '10.1.2.4' } })).body.code).toBe('hostNotAllowed');
    expect((await call('PATCH', path, { outgoing: { host: '10.1.2.4' } })).body.code).toBe('hostNotAllowed');
  });
});
