import { Webhook as Verifier } from 'standardwebhooks';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import type { Posted } from '../../support/webhook-endpoint.ts';
import {
  beginCase,
  contentOf,
  countConnections,
  startWebhookWorld,
  subjectsOf,
  type WebhookCase,
  type WebhookWorld,
} from './webhook-world.ts';

let world: WebhookWorld;
let hook: WebhookCase;

beforeAll(async () => {
  world = await startWebhookWorld();
});

afterAll(async () => {
  await world?.stop();
});

beforeEach(async () => {
  hook = await beginCase(world);
});

describe('a webhook', () => {
  it('gets what happens from now on, signed, in order, within seconds and over one connection', async () => {
    await hook.putContacts('before');
    const { secret, ...webhook } = await hook.subscribe();
    const begunAt = Date.now();
    await hook.putContacts('c-1', 'c-2', 'c-3');

    const posted = await world.untilPosted(hook.path, 3);

    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    expect(webhook).toMatchObject({
      id: expect.stringMatching(/^whk_/),
      thin: true,
      status: 'enabled',
      reason: null,
      version: 1,
      delivery: { lag: 0, failedAttempts: 0, nextAttemptAt: null, lastSuccessAt: null, fault: null },
    });
    expect(subjectsOf(posted)).toEqual(['c-1', 'c-2', 'c-3']);
    expect((posted[0]?.at ?? Number.POSITIVE_INFINITY) - begunAt).toBeLessThan(10_000);
    expect(countConnections(posted)).toBeLessThanOrEqual(2);
    const [feedEvent] = (await hook.call('GET', '/feed?types=record.created&limit=2')).body.data.slice(1);
    const { data, ...bare } = feedEvent;
    for (const one of posted) {
      const content = new Verifier(secret).verify(one.body, one.headers as Record<string, string>);
      expect(content).toEqual(contentOf(one));
      expect(one.headers['webhook-id']).toBe(contentOf(one).data.id);
    }
    expect(contentOf(posted[0] as Posted)).toEqual({ type: 'record.created', timestamp: bare.at, data: bare });
    expect(() => new Verifier(secret).verify('{}', posted[0]?.headers as Record<string, string>)).toThrow();
    expect(await hook.read(webhook.id)).not.toHaveProperty('secret');
  });

  it('that asks for it gets the resource, too, and only the types that it asked for', async () => {
    await hook.subscribe({ thin: false, types: ['record.updated'] });
    await hook.putContacts('c-1');
    await hook.call('PATCH', '/records/contact/ext:c-1', { displayName: 'Carl' });
    await world.runFeed();

    const [posted] = await world.untilPosted(hook.path, 1);

    expect(contentOf(posted as Posted)).toMatchObject({
      type: 'record.updated',
      data: { type: 'record.updated', changedFields: ['displayName'], data: { displayName: 'Carl' } },
    });
    expect(world.endpoint.posted(hook.path)).toHaveLength(1);
  });

  it('that gets another secret is signed with both for a day', async () => {
    const { id, secret } = await hook.subscribe();
    const rotated = await hook.call('POST', `/webhooks/${id}/rotate-secret`, {});
    await hook.putContacts('c-1');

    const [posted] = await world.untilPosted(hook.path, 1);

    expect(rotated).toMatchObject({ status: 200, body: { version: 2, secret: expect.stringMatching(/^whsec_/) } });
    expect(rotated.body.secret).not.toBe(secret);
    expect(Date.parse(rotated.body.previousSecretUntil) - Date.now()).toBeGreaterThan(23 * 3_600_000);
    const headers = posted?.headers as Record<string, string>;
    for (const known of [secret, rotated.body.secret])
      expect(new Verifier(known).verify(posted?.body ?? '', headers)).toBeTruthy();
  });

  it('that gets another secret again, since the answer was lost, is signed with the one that the receiver knows', async () => {
    const { id, secret } = await hook.subscribe();
    await hook.call('POST', `/webhooks/${id}/rotate-secret`, {});
    const again = await hook.call('POST', `/webhooks/${id}/rotate-secret`, {});
    await hook.putContacts('c-1');

    const [posted] = await world.untilPosted(hook.path, 1);

    for (const known of [secret, again.body.secret])
      expect(new Verifier(known).verify(posted?.body ?? '', posted?.headers as Record<string, string>)).toBeTruthy();
    expect(JSON.stringify(await hook.read(id))).not.toMatch(/sealed|setAt/);
  });

  it('that gets another secret many times a day is signed with the newest six, so that the header stays short', async () => {
    const { id, secret } = await hook.subscribe();
    const secrets: string[] = [secret];
    for (let rotation = 0; rotation < 7; rotation += 1)
      secrets.push((await hook.call('POST', `/webhooks/${id}/rotate-secret`, {})).body.secret);
    await hook.putContacts('c-1');

    const [posted] = await world.untilPosted(hook.path, 1);

    const headers = posted?.headers as Record<string, string>;
    expect(headers['webhook-signature']?.split(' ')).toHaveLength(6);
    for (const known of secrets.slice(-6)) expect(new Verifier(known).verify(posted?.body ?? '', headers)).toBeTruthy();
  });

  it('tells by a test whether its endpoint takes events', async () => {
    const { id, secret } = await hook.subscribe({ status: 'disabled' });

    const good = await hook.call('POST', `/webhooks/${id}/test`, {});
    world.endpoint.answer(hook.path, () => ({ status: 302, headers: { location: 'https://client.example/' } }));
    const bad = await hook.call('POST', `/webhooks/${id}/test`, {});

    const [posted] = world.endpoint.posted(hook.path);
    expect(new Verifier(secret).verify(posted?.body ?? '', posted?.headers as Record<string, string>)).toMatchObject({
      type: 'webhook.test',
      data: { sequence: 0, subject: { type: 'webhook', id } },
    });
    expect(good).toMatchObject({ status: 200, body: { status: 'succeeded', responseStatus: 204, attempts: 1 } });
    expect(bad.body).toMatchObject({
      status: 'failed',
      responseStatus: 302,
      fault: { code: 'endpointFailing', cause: 'Redirects are not followed' },
    });
    expect(await hook.read(id)).toMatchObject({ status: 'disabled', reason: 'admin', version: 1 });
  });
});

describe('events that a webhook has had', () => {
  it('are sent again in their order when asked for, once, and told by an operation', async () => {
    const { id } = await hook.subscribe();
    const { cursor } = (await hook.call('GET', '/feed/head')).body;
    await hook.putContacts('c-1', 'c-2', 'c-3');
    await world.untilPosted(hook.path, 3);
    await eventually(async () => ((await hook.read(id)).delivery.lag === 0 ? true : undefined), { what: 'no lag' });
    const to = cursor.replace(/\d+$/, (sequence: string) => String(Number(sequence) + 2));

    const accepted = await hook.call('POST', `/webhooks/${id}/replay`, { fromCursor: cursor, toCursor: to });
    const done = await eventually(
      async () => {
        const { body } = await hook.call('GET', `/operations/${accepted.body.id}?wait=1`);
        return body.finishedAt === undefined ? undefined : body;
      },
      { what: 'the end of the replay' },
    );
    await hook.putContacts('c-4');
    const posted = await world.untilPosted(hook.path, 6);

    expect(accepted).toMatchObject({ status: 202, body: { kind: 'replayWebhook', subject: { type: 'webhook', id } } });
    expect(done).toMatchObject({ status: 'succeeded', progress: { done: 2, total: 2 }, result: { events: 2 } });
    expect(subjectsOf(posted)).toEqual(['c-1', 'c-2', 'c-3', 'c-1', 'c-2', 'c-4']);
    const ids = posted.map(({ headers }) => headers['webhook-id']);
    expect(ids.slice(3, 5)).toEqual(ids.slice(0, 2));
    const { data } = (await hook.call('GET', `/webhooks/${id}/deliveries`)).body;
    expect(data.filter(({ operationId }: { operationId: string }) => operationId === accepted.body.id)).toHaveLength(2);
  });

  it('cannot be asked for from a place that is none', async () => {
    const { id } = await hook.subscribe();
    const { cursor } = (await hook.call('GET', '/feed/head')).body;

    expect((await hook.call('POST', `/webhooks/${id}/replay`, { fromCursor: 'tomorrow' })).status).toBe(400);
    expect(
      (await hook.call('POST', `/webhooks/${id}/replay`, { fromCursor: `zz.${cursor.split('.')[1]}` })).status,
    ).toBe(410);
    await hook.call('PATCH', `/webhooks/${id}`, { status: 'disabled' });
    expect((await hook.call('POST', `/webhooks/${id}/replay`, { fromCursor: cursor })).body.code).toBe('invalidState');
  });
});

describe('the webhooks of an organization', () => {
  it('are refused where they could reach what they must not', async () => {
    const create = (url: string) => hook.call('POST', '/webhooks', { url });

    for (const url of ['https://10.0.0.1/', 'https://169.254.169.254/latest', 'http://[::ffff:10.0.0.1]/'])
      expect(await create(url)).toMatchObject({ status: 400, body: { code: 'hostNotAllowed' } });
    for (const url of ['http://93.184.215.14/', 'ftp://client.example/', 'https://u:p@client.example/', 'nonsense'])
      expect(await create(url)).toMatchObject({ status: 400, body: { errors: [{ pointer: '#/url' }] } });
    expect((await create('https://hooks.client.invalid/in')).status).toBe(201);
  });

  it('are changed, listed and deleted, by those who may', async () => {
    const { id, secret: _ } = await hook.subscribe();

    const changed = await hook.call('PATCH', `/webhooks/${id}`, { types: null, thin: false }, { 'if-match': '"1"' });
    const same = await hook.call('PATCH', `/webhooks/${id}`, { thin: false });
    const stale = await hook.call('PATCH', `/webhooks/${id}`, { thin: true }, { 'if-match': '"1"' });
    const listed = (await hook.organization.as('reader')('GET', '/webhooks')).body.data;
    const refused = await hook.organization.as('reader')('POST', `/webhooks/${id}/rotate-secret`, {});
    const deleted = await hook.call('DELETE', `/webhooks/${id}`);
    await hook.putContacts('c-1');

    const { body: audit } = await hook.organization.as('admin')('GET', '/audit-log?limit=3');
    expect(audit.data).toMatchObject([
      { action: 'webhook.deleted', subject: { type: 'webhook', id }, after: null },
      { action: 'webhook.changed', before: { thin: true }, after: { thin: false, types: null } },
      { action: 'webhook.created', before: null, after: { secret: { isSet: true } } },
    ]);
    expect(JSON.stringify(audit)).not.toMatch(/whsec_|sealed/);
    expect(changed).toMatchObject({ status: 200, body: { types: null, thin: false, version: 2 } });
    expect(same.body.version).toBe(2);
    expect(stale.status).toBe(412);
    expect(listed).toMatchObject([{ id }]);
    expect(JSON.stringify(listed)).not.toMatch(/whsec_|sealed/);
    expect(refused.status).toBe(403);
    expect(deleted.status).toBe(204);
    expect((await hook.call('GET', `/webhooks/${id}`)).status).toBe(404);
    expect(world.endpoint.posted(hook.path)).toEqual([]);
  });

  it('are made once for an Idempotency-Key, whose secret is shown once', async () => {
    const create = () =>
      hook.call('POST', '/webhooks', { url: world.endpoint.url(hook.path) }, { 'idempotency-key': 'hook' });

    const [first, second] = [await create(), await create()];

    expect(second).toMatchObject({ status: 201, body: { id: first.body.id, secret: null } });
    expect((await hook.call('GET', '/webhooks')).body.data).toHaveLength(1);
  });
});
