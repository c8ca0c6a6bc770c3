import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { routeGroups } from '../../functions/api/routes/index.ts';
import { createOperation } from '../../shared/operation/create-operation.ts';
import { type ApiHarness, type Client, startApiHarness } from './api-harness.ts';

let hub: ApiHarness;

beforeAll(async () => {
  hub = await startApiHarness(routeGroups);
});
afterAll(async () => {
  await hub?.stop();
});

const emitted = async (organizationId: string): Promise<readonly string[]> => {
  const item = await hub.services.table.get({ pk: `${organizationId}#organization`, sk: organizationId });
  return ((item?.['emits'] ?? []) as { type: string }[]).map(({ type }) => type);
};

describe('organizations', () => {
  it('are created with defaults, a Location and an ETag', async () => {
    const { status, headers, body } = await hub.operator('POST', '/v1/organizations', { body: { name: 'Contoso' } });

    expect(status).toBe(201);
    expect(headers['location']).toBe(`/v1/organizations/${body.id}`);
    expect(headers['etag']).toBe('"1"');
    expect(body).toMatchObject({
      name: 'Contoso',
      externalId: null,
      kind: 'production',
      timeZone: 'UTC',
      status: 'active',
      usage: { mailboxes: { used: 0 }, feedEvents: { used: 0 } },
    });
    expect(JSON.stringify(body)).not.toContain('alt":');
  });

  it.each([
    [{}, '#/name'],
    [{ name: '' }, '#/name'],
    [{ name: 'a', timeZone: 'Mars/Olympus' }, '#/timeZone'],
    [{ name: 'a', timeZone: '+01:00' }, '#/timeZone'],
    [{ name: 'a', kind: 'test' }, '#/kind'],
    [{ name: 'a', quota: 1 }, '#/quota'],
  ])('refuse %j', async (input, pointer) => {
    const { status, body } = await hub.operator('POST', '/v1/organizations', { body: input });

    expect(status).toBe(400);
    expect(body.errors[0].pointer).toBe(pointer);
  });

  it('can be addressed by an externalId that is theirs alone', async () => {
    const { body } = await hub.operator('POST', '/v1/organizations', { body: { name: 'a', externalId: 'crm/7' } });
    const second = await hub.operator('POST', '/v1/organizations', { body: { name: 'b', externalId: 'crm/7' } });

    expect((await hub.operator('GET', '/v1/organizations/ext:crm%2F7')).body.id).toBe(body.id);
    expect(second.status).toBe(409);
    expect(second.body.code).toBe('externalIdTaken');
    expect((await hub.operator('GET', '/v1/organizations/ext:unknown')).status).toBe(404);
    expect((await hub.operator('GET', `/v1/organizations/ext:${'x'.repeat(3000)}`)).status).toBe(404);
  });

  it('are made once by a request that is carried out again after a crash', async () => {
    const call = { body: { name: 'once', externalId: 'once' }, headers: { 'idempotency-key': 'once' } };
    const first = await hub.operator('POST', '/v1/organizations', call);
    // As if the function had ended after its work and before it could keep the answer.
    await hub.services.table.write([
      {
        update: { pk: 'deployment#idempotency', sk: 'once' },
        expression: 'REMOVE #status',
        names: { '#status': 'status' },
      },
    ]);
    hub.advance(60_000);

    const second = await hub.operator('POST', '/v1/organizations', call);

    expect(second.status).toBe(201);
    expect(second.headers['idempotent-replayed']).toBeUndefined();
    expect(second.body.id).toBe(first.body.id);
  });

  it('list newest first, each exactly once, while others come', async () => {
    const made: string[] = [];
    for (let index = 0; index < 5; index += 1) made.push((await hub.organization({ name: `listed ${index}` })).id);
    const first = await hub.operator('GET', '/v1/organizations?limit=2');
    await hub.organization({ name: 'later' });
    const second = await hub.operator('GET', `/v1/organizations?limit=200&cursor=${first.body.nextCursor}`);

    const ids = [...first.body.data, ...second.body.data].map(({ id }: { id: string }) => id);
    expect(ids.slice(0, 5)).toEqual([...made].reverse());
    expect(new Set(ids).size).toBe(ids.length);
  });
});

describe('an organization', () => {
  it('sees itself and its usage', async () => {
    const { id, admin } = await hub.organization({ name: 'Fabrikam', kind: 'sandbox' });

    const own = await admin('GET', '/v1/organization');
    const usage = await admin('GET', '/v1/organization/usage');

    expect(own.body).toMatchObject({ id, name: 'Fabrikam', kind: 'sandbox', status: 'active', version: 1 });
    expect(own.body).not.toHaveProperty('secretSalt');
    expect(usage.body).toMatchObject({
      mailboxes: { used: 0, limit: null },
      feedEvents: { used: 0, limit: null },
    });
  });

  it('is read only while it is suspended, and told so by the feed', async () => {
    const { id, admin } = await hub.organization();

    const suspended = await hub.operator('POST', `/v1/organizations/${id}/suspend`, { body: { reason: 'unpaid' } });
    const again = await hub.operator('POST', `/v1/organizations/${id}/suspend`, { body: { reason: 'unpaid' } });
    const write = await admin('PATCH', '/v1/settings', { body: {} });

    expect(suspended.body).toMatchObject({ status: 'suspended', suspendReason: 'unpaid', version: 2 });
    expect(again.body.version).toBe(2);
    expect(await emitted(id)).toEqual(['organization.suspended']);
    expect(write.status).toBe(403);
    expect(write.body.code).toBe('organizationSuspended');
    expect((await admin('GET', '/v1/settings')).status).toBe(200);

    const resumed = await hub.operator('POST', `/v1/organizations/${id}/resume`, { body: {} });

    expect(resumed.body).toMatchObject({ status: 'active', suspendReason: null });
    expect(await emitted(id)).toEqual(['organization.resumed']);
    expect((await admin('PATCH', '/v1/settings', { body: {} })).status).toBe(200);
  });

  it('is suspended only in the version that the operator has seen', async () => {
    const { id } = await hub.organization();
    const path = `/v1/organizations/${id}/suspend`;

    const stale = await hub.operator('POST', path, { body: { reason: 'a' }, headers: { 'if-match': '"9"' } });
    const seen = await hub.operator('POST', path, { body: { reason: 'a' }, headers: { 'if-match': '"1"' } });

    expect(stale.status).toBe(412);
    expect(seen.status).toBe(200);
  });
});

describe('API keys', () => {
  it('show their secret once, and their prefix in lists', async () => {
    const { admin } = await hub.organization();
    const created = await admin('POST', '/v1/api-keys', { body: { name: 'crm', role: 'crm' } });

    const { data } = (await admin('GET', '/v1/api-keys')).body;

    expect(created.status).toBe(201);
    expect(created.body.secret).toMatch(/^msk_[0-9A-Z]{52}_[0-9A-Za-z_-]{43}$/);
    expect(data[0]).toEqual({ ...created.body, secret: undefined });
    expect(created.body.secret.startsWith(data[0].prefix)).toBe(true);
    expect(JSON.stringify(data)).not.toContain(created.body.secret);
    expect(JSON.stringify(data)).not.toContain('hash');
  });

  it('fail at once when they are deleted', async () => {
    const { admin } = await hub.organization();
    const { body } = await admin('POST', '/v1/api-keys', { body: { name: 'a', role: 'crm' } });
    const crm = hub.client(body.secret);
    expect((await crm('GET', '/v1/organization')).status).toBe(200);

    expect((await admin('DELETE', `/v1/api-keys/${body.id}`)).status).toBe(204);

    expect((await crm('GET', '/v1/organization')).status).toBe(401);
    expect((await admin('DELETE', `/v1/api-keys/${body.id}`)).status).toBe(404);
  });

  it('expire', async () => {
    const { admin } = await hub.organization();
    const expiresAt = new Date(hub.services.now().getTime() + 30_000).toISOString();
    const { body } = await admin('POST', '/v1/api-keys', { body: { name: 'a', role: 'crm', expiresAt } });
    expect((await hub.client(body.secret)('GET', '/v1/organization')).status).toBe(200);

    hub.advance(31_000);

    expect((await hub.client(body.secret)('GET', '/v1/organization')).status).toBe(401);
  });

  it('tell when they were used, at most once a minute and without a new version', async () => {
    const { admin } = await hub.organization();
    const lastUsed = async () => (await admin('GET', '/v1/api-keys')).body.data[0];
    const first = await lastUsed();
    hub.advance(20_000);
    const soon = await lastUsed();
    hub.advance(60_000);
    const later = await lastUsed();

    expect(soon.lastUsedAt).toBe(first.lastUsedAt);
    expect(Date.parse(later.lastUsedAt)).toBeGreaterThan(Date.parse(first.lastUsedAt));
    expect(later.version).toBe(1);
  });

  it('keep one admin key, also when two are deleted at once', async () => {
    const { id, admin } = await hub.organization();
    const keys = async () => (await admin('GET', '/v1/api-keys')).body.data as { id: string }[];
    const [only] = await keys();
    const refused = await admin('DELETE', `/v1/api-keys/${only?.id}`);
    expect(refused.body.code).toBe('lastAdminKey');
    const second = await admin('POST', '/v1/api-keys', { body: { name: 'b', role: 'admin' } });

    const outcomes = await Promise.all([
      admin('DELETE', `/v1/api-keys/${only?.id}`),
      hub.client(second.body.secret)('DELETE', `/v1/api-keys/${second.body.id}`),
    ]);

    const left = await hub.services.table.query({ pk: `${id}#apiKey` });
    expect(left.items).toHaveLength(1);
    expect(outcomes.filter(({ status }) => status === 204)).toHaveLength(1);
  });
});

describe('two organizations', () => {
  it('never see each other: a foreign id answers as one that does not exist', async () => {
    const [one, two] = [await hub.organization(), await hub.organization()];
    const { body: key } = await one.admin('POST', '/v1/api-keys', { body: { name: 'a', role: 'crm' } });
    const operation = await createOperation(hub.services, {
      organizationId: one.id,
      kind: 'synchronize',
      subject: { type: 'mailbox', id: 'mbx_1' },
      mailboxGroup: 'mbx_1',
      input: {},
      deadlineSeconds: 60,
    });
    const unknown = 'opn_00000000000000000000000000';
    const without = ({ body, headers, status }: Awaited<ReturnType<Client>>) => ({
      status,
      headers: { ...headers, 'request-id': '' },
      body: { ...body, instance: '' },
    });

    expect((await one.admin('GET', `/v1/operations/${operation.id}`)).status).toBe(200);
    const foreign = await two.admin('GET', `/v1/operations/${operation.id}`);
    expect(foreign.status).toBe(404);
    expect(without(foreign)).toEqual(without(await two.admin('GET', `/v1/operations/${unknown}`)));
    expect(without(await two.admin('DELETE', `/v1/api-keys/${key.id}`))).toEqual(
      without(await two.admin('DELETE', '/v1/api-keys/key_00000000000000000000000000')),
    );
    expect(without(await two.admin('POST', `/v1/operations/${operation.id}/cancel`))).toEqual(
      without(await two.admin('POST', `/v1/operations/${unknown}/cancel`)),
    );
    expect((await two.admin('GET', '/v1/operations')).body.data).toEqual([]);
  });
});
