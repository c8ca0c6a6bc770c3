import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { routeGroups } from '../../functions/api/routes/index.ts';
import { type ApiHarness, type Client, startApiHarness } from './api-harness.ts';
import { gates, letGo, oddRoutes } from './odd-routes.ts';

let hub: ApiHarness;
let admin: Client;
let organizationId: string;

beforeAll(async () => {
  hub = await startApiHarness({ ...routeGroups, test: async () => oddRoutes });
  const organization = await hub.organization();
  admin = organization.admin;
  organizationId = organization.id;
});
afterAll(async () => {
  await hub?.stop();
});

describe('Idempotency-Key', () => {
  const post = (path: string, key: string, body: unknown, as: Client = admin) =>
    as('POST', path, { body, headers: { 'idempotency-key': key } });

  it('gives a repeat the first answer', async () => {
    const first = await post('/v1/test/echo/a', 'repeat', { text: 'a' });
    const second = await post('/v1/test/echo/a', 'repeat', { text: 'a' });

    expect(first.headers['idempotent-replayed']).toBeUndefined();
    expect(second.headers['idempotent-replayed']).toBe('true');
    expect(second.status).toBe(201);
    expect(second.body).toEqual(first.body);
    expect(second.headers['request-id']).not.toBe(first.headers['request-id']);
  });

  it.each([
    ['body', '/v1/test/echo/a', { text: 'b' }],
    ['path', '/v1/test/echo/b', { text: 'a' }],
    ['query', '/v1/test/echo/a?limit=3', { text: 'a' }],
  ])('answers 422 to another %s under the same key', async (what, path, body) => {
    await post('/v1/test/echo/a', `other-${what}`, { text: 'a' });

    const second = await post(path, `other-${what}`, body);

    expect(second.status).toBe(422);
    expect(second.body.code).toBe('idempotencyKeyReused');
  });

  it('answers 409 while the first is running, and replays once it is done', async () => {
    const first = post('/v1/test/slow', 'slow', { text: 'a' });
    await expect.poll(() => gates.length, { timeout: 20_000 }).toBe(1);

    const during = await post('/v1/test/slow', 'slow', { text: 'a' });
    await letGo();
    const after = await post('/v1/test/slow', 'slow', { text: 'a' });

    expect(during.status).toBe(409);
    expect(during.body.code).toBe('requestInProgress');
    expect(Number(during.headers['retry-after'])).toBeGreaterThan(0);
    expect((await first).status).toBe(200);
    expect(after.body).toEqual((await first).body);
  });

  it('lets exactly one of many at once through', async () => {
    let answered = 0;
    const all = Array.from({ length: 8 }, async () => {
      const answer = await post('/v1/test/slow', 'race', {});
      answered += 1;
      return answer;
    });
    await expect.poll(() => answered, { timeout: 20_000 }).toBe(7);
    await letGo();
    const statuses = (await Promise.all(all)).map(({ status }) => status).sort();

    expect(statuses).toEqual([200, 409, 409, 409, 409, 409, 409, 409]);
  });

  it('is carried out again, under the same identifiers, when the first ended without an answer', async () => {
    const first = post('/v1/test/slow', 'crashed', {});
    await expect.poll(() => gates.length, { timeout: 20_000 }).toBe(1);
    const [lost] = gates.splice(0);
    hub.advance(60_000);

    const second = post('/v1/test/slow', 'crashed', {});
    await letGo();
    const taken = await second;
    lost?.();

    expect(taken.status).toBe(200);
    expect(taken.headers['idempotent-replayed']).toBeUndefined();
    expect((await first).body.id).toBe(taken.body.id);
    expect((await post('/v1/test/slow', 'crashed', {})).body).toEqual(taken.body);
  });

  it('forgets a request that was refused', async () => {
    const refused = await hub.operator('POST', '/v1/organizations/org_00000000000000000000000000/suspend', {
      body: { reason: 'a' },
      headers: { 'idempotency-key': 'refused' },
    });
    const other = await hub.operator('POST', '/v1/organizations', {
      body: { name: 'a' },
      headers: { 'idempotency-key': 'refused' },
    });

    expect(refused.status).toBe(404);
    expect(other.status).toBe(201);
  });

  it('is forgotten after 24 hours', async () => {
    const first = await post('/v1/test/echo/a', 'old', {});
    hub.advance(24 * 3_600_000 + 1_000);
    const second = await post('/v1/test/echo/a', 'old', {});

    expect(second.headers['idempotent-replayed']).toBeUndefined();
    expect(second.body.id).not.toBe(first.body.id);
  });

  it('belongs to one organization', async () => {
    const other = await hub.organization();
    await post('/v1/test/echo/a', 'shared', {});

    const theirs = await post('/v1/test/echo/a', 'shared', {}, other.admin);

    expect(theirs.headers['idempotent-replayed']).toBeUndefined();
  });

  it('never repeats a secret', async () => {
    const body = { name: 'once', role: 'reader' };
    const first = await post('/v1/api-keys', 'secret', body);
    const second = await post('/v1/api-keys', 'secret', body);

    expect(first.body.secret).toMatch(/^msk_/);
    expect(second.body).toEqual({ ...first.body, secret: null });
    const { items } = await hub.services.table.query({ pk: `${organizationId}#idempotency` });
    const kept = items.map((item) =>
      JSON.stringify(item['body'] instanceof Uint8Array ? Buffer.from(item['body']).toString() : item),
    );
    expect(kept.join()).not.toContain(first.body.secret.slice(-20));
  });

  it('keeps an answer of any length, whatever its characters', async () => {
    const first = await post('/v1/test/large', 'large', {});
    const second = await post('/v1/test/large', 'large', {});

    expect(second.headers['idempotent-replayed']).toBe('true');
    expect(second.body).toEqual(first.body);
  });

  it('refuses a key that is too long', async () => {
    const { status, body } = await post('/v1/test/echo/a', 'x'.repeat(256), {});

    expect(status).toBe(400);
    expect(body.errors[0].pointer).toBe('#/header/Idempotency-Key');
  });
});
