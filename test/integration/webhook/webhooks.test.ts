import { ListSchedulesCommand, SchedulerClient } from '@aws-sdk/client-scheduler';
import { Webhook as Verifier } from 'standardwebhooks';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { appendEvents } from '../../../shared/feed/append-events.ts';
import { bumpFeedEpoch } from '../../../shared/feed/feed-epoch.ts';
import { createFeedPages } from '../../../shared/feed/feed-pages.ts';
import { systemAuthor } from '../../../shared/platform/change.ts';
import { createIdentifier } from '../../../shared/platform/identifier.ts';
import { ringForPage } from '../../../shared/webhook/ring-for-page.ts';
import { createWebhookWatch } from '../../../shared/webhook/watch-webhooks.ts';
import { webhookStateKey } from '../../../shared/webhook/webhook-state.ts';
import { eventually } from '../../support/eventually.ts';
import type { Posted } from '../../support/webhook-endpoint.ts';
import type { ApiCall, TestOrganization } from '../role-calls.ts';
import { startWebhookWorld, type WebhookWorld } from './webhook-world.ts';

let world: WebhookWorld;
let organization: TestOrganization;
let call: ApiCall;
let path: string;
let paths = 0;

beforeAll(async () => {
  world = await startWebhookWorld();
});

afterAll(async () => {
  await world?.stop();
});

beforeEach(async () => {
  organization = await world.api.createOrganization();
  call = organization.as('crm');
  paths += 1;
  path = `/hook-${paths}`;
});

const quicken = () => organization.as('admin')('PATCH', '/settings', { webhooks: { retry: { maxSeconds: 1 } } });

const subscribe = async (input: object = {}, at = path) => {
  const { body, status } = await call('POST', '/webhooks', {
    url: world.endpoint.url(at),
    types: ['record.*'],
    ...input,
  });
  expect(status).toBe(201);
  return body;
};

const putContacts = async (...names: readonly string[]): Promise<void> => {
  for (const name of names) await call('PUT', `/records/contact/ext:${name}`, { displayName: name });
  await world.runFeed();
};

const contentOf = ({ body }: Posted) => JSON.parse(body);
const subjectsOf = (posted: readonly Posted[]) => posted.map((one) => contentOf(one).data.subject.externalId);
const read = async (id: string) => (await call('GET', `/webhooks/${id}`)).body;
const untilStatus = (id: string, status: string) =>
  eventually(
    async () => {
      const webhook = await read(id);
      return webhook.status === status ? webhook : undefined;
    },
    { what: `the webhook is ${status}`, seconds: 30 },
  );
const openAlerts = async (subjectId: string) =>
  (await call('GET', '/alerts?status=open')).body.data.filter(
    (alert: { readonly subject: { readonly id: string } }) => alert.subject.id === subjectId,
  );

describe('a webhook', () => {
  it('gets what happens from now on, signed, in order, within seconds and over one connection', async () => {
    await putContacts('before');
    const { secret, ...webhook } = await subscribe();
    const connections = world.endpoint.connections();
    const begunAt = Date.now();
    await putContacts('c-1', 'c-2', 'c-3');

    const posted = await world.untilPosted(path, 3);

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
    expect(world.endpoint.connections() - connections).toBeLessThanOrEqual(2);
    const [feedEvent] = (await call('GET', '/feed?types=record.created&limit=2')).body.data.slice(1);
    const { data, ...bare } = feedEvent;
    for (const one of posted) {
      const content = new Verifier(secret).verify(one.body, one.headers as Record<string, string>);
      expect(content).toEqual(contentOf(one));
      expect(one.headers['webhook-id']).toBe(contentOf(one).data.id);
    }
    expect(contentOf(posted[0] as Posted)).toEqual({ type: 'record.created', timestamp: bare.at, data: bare });
    expect(() => new Verifier(secret).verify('{}', posted[0]?.headers as Record<string, string>)).toThrow();
    expect(await read(webhook.id)).not.toHaveProperty('secret');
  });

  it('that asks for it gets the resource, too, and only the types that it asked for', async () => {
    await subscribe({ thin: false, types: ['record.updated'] });
    await putContacts('c-1');
    await call('PATCH', '/records/contact/ext:c-1', { displayName: 'Carl' });
    await world.runFeed();

    const [posted] = await world.untilPosted(path, 1);

    expect(contentOf(posted as Posted)).toMatchObject({
      type: 'record.updated',
      data: { type: 'record.updated', changedFields: ['displayName'], data: { displayName: 'Carl' } },
    });
    expect(world.endpoint.posted(path)).toHaveLength(1);
  });

  it('that gets another secret is signed with both for a day', async () => {
    const { id, secret } = await subscribe();
    const rotated = await call('POST', `/webhooks/${id}/rotate-secret`, {});
    await putContacts('c-1');

    const [posted] = await world.untilPosted(path, 1);

    expect(rotated).toMatchObject({ status: 200, body: { version: 2, secret: expect.stringMatching(/^whsec_/) } });
    expect(rotated.body.secret).not.toBe(secret);
    expect(Date.parse(rotated.body.previousSecretUntil) - Date.now()).toBeGreaterThan(23 * 3_600_000);
    const headers = posted?.headers as Record<string, string>;
    for (const known of [secret, rotated.body.secret])
      expect(new Verifier(known).verify(posted?.body ?? '', headers)).toBeTruthy();
  });

  it('tells by a test whether its endpoint takes events', async () => {
    const { id, secret } = await subscribe({ status: 'disabled' });

    const good = await call('POST', `/webhooks/${id}/test`, {});
    world.endpoint.answer(path, () => ({ status: 302, headers: { location: 'https://client.example/' } }));
    const bad = await call('POST', `/webhooks/${id}/test`, {});

    const [posted] = world.endpoint.posted(path);
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
    expect(await read(id)).toMatchObject({ status: 'disabled', reason: 'admin', version: 1 });
  });
});

describe('an endpoint that fails', () => {
  it('gets the same event again, and nothing after it before', async () => {
    await quicken();
    const { id } = await subscribe();
    world.endpoint.answer(path, () => ({ status: world.endpoint.posted(path).length <= 2 ? 500 : 200 }));
    await putContacts('c-1', 'c-2');

    const posted = await world.untilPosted(path, 4);

    expect(subjectsOf(posted)).toEqual(['c-1', 'c-1', 'c-1', 'c-2']);
    expect(new Set(posted.slice(0, 3).map(({ headers }) => headers['webhook-id'])).size).toBe(1);
    const { data } = await eventually(
      async () => {
        const { body } = await call('GET', `/webhooks/${id}/deliveries?status=succeeded`);
        return body.data.length === 2 ? body : undefined;
      },
      { what: 'two deliveries' },
    );
    expect(data).toMatchObject([
      { id: expect.stringMatching(/^dlv_/), event: { type: 'record.created' }, attempts: 1, responseStatus: 200 },
      { status: 'succeeded', attempts: 3, fault: null, nextAttemptAt: null },
    ]);
  });

  it('that names a time in Retry-After is left alone until then', async () => {
    await quicken();
    const { id } = await subscribe();
    world.endpoint.answer(path, () =>
      world.endpoint.posted(path).length === 1 ? { status: 503, headers: { 'retry-after': '4' } } : { status: 200 },
    );
    await putContacts('c-1');
    const waiting = await eventually(
      async () => {
        const webhook = await read(id);
        return webhook.delivery.nextAttemptAt === null ? undefined : webhook;
      },
      { what: 'the next attempt' },
    );

    const [first, second] = await world.untilPosted(path, 2);

    expect((second?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThanOrEqual(4_000);
    expect(waiting.delivery).toMatchObject({
      failedAttempts: 1,
      fault: { code: 'endpointFailing', detail: 'The endpoint answered 503' },
    });
  });

  it('at every attempt has its webhook disabled with an alert; enabled again it resumes where it stopped', async () => {
    await quicken();
    const { id } = await subscribe();
    world.endpoint.answer(path, ({ body }) => ({
      status: JSON.parse(body).data.subject.externalId === 'c-1' ? 200 : 500,
    }));
    await putContacts('c-1', 'c-2', 'c-3');

    const disabled = await untilStatus(id, 'disabled');
    const attempts = world.endpoint.posted(path).length;
    const alerts = await openAlerts(id);
    world.endpoint.answer(path, () => ({ status: 200 }));
    await putContacts('c-4');
    const enabled = await call('PATCH', `/webhooks/${id}`, { status: 'enabled' });
    const posted = await world.untilPosted(path, attempts + 3);

    expect(attempts).toBe(1 + 10);
    expect(disabled).toMatchObject({ reason: 'endpointFailing', fault: { detail: 'The endpoint answered 500' } });
    expect(alerts).toMatchObject([{ code: 'endpointFailing', level: 'error', subject: { type: 'webhook', id } }]);
    expect(enabled.body).toMatchObject({ status: 'enabled', reason: null, fault: null });
    expect(subjectsOf(posted.slice(attempts))).toEqual(['c-2', 'c-3', 'c-4']);
    expect(await openAlerts(id)).toEqual([]);
  });

  it('with 410 has its webhook disabled at once', async () => {
    const { id } = await subscribe();
    world.endpoint.answer(path, () => ({ status: 410 }));
    await putContacts('c-1');

    expect(await untilStatus(id, 'disabled')).toMatchObject({
      reason: 'endpointGone',
      fault: { code: 'endpointGone' },
    });
    expect(world.endpoint.posted(path)).toHaveLength(1);
    expect(await openAlerts(id)).toMatchObject([{ code: 'endpointGone' }]);
  });

  it('by hanging holds up neither another webhook of its organization nor one of another', async () => {
    const hanging = await subscribe({}, `${path}-hangs`);
    world.endpoint.answer(`${path}-hangs`, () => 'hang');
    await subscribe();
    const other = await world.api.createOrganization();
    await other.as('crm')('POST', '/webhooks', { url: world.endpoint.url(`${path}-other`), types: ['record.*'] });
    await putContacts('c-1');
    await world.untilPosted(`${path}-hangs`, 1);
    const begunAt = Date.now();
    await putContacts('c-2', 'c-3');
    await other.as('crm')('PUT', '/records/contact/ext:o-1', { displayName: 'Of the other' });
    await world.runFeed();

    const mine = await world.untilPosted(path, 3);
    const theirs = await world.untilPosted(`${path}-other`, 1);
    const took = Math.max(mine.at(-1)?.at ?? 0, theirs[0]?.at ?? 0) - begunAt;
    const held = await eventually(
      async () => {
        const webhook = await read(hanging.id);
        return webhook.delivery.failedAttempts === 0 ? undefined : webhook;
      },
      { what: 'the time-out of the endpoint that hangs', seconds: 30 },
    );

    expect(took).toBeLessThan(10_000);
    expect(held.delivery).toMatchObject({ failedAttempts: 1, fault: { code: 'timedOut' } });
    expect(Date.now() - begunAt).toBeGreaterThan(10_000);
  });

  it('twice waits by a timer', async () => {
    const { id } = await subscribe();
    world.endpoint.answer(path, () => ({ status: 500 }));
    await putContacts('c-1');
    const [first, second] = await world.untilPosted(path, 2);

    const timers = await eventually(
      async () => {
        const GroupName = process.env['SCHEDULE_GROUP'];
        const { Schedules = [] } = await new SchedulerClient({}).send(
          new ListSchedulesCommand({ GroupName, NamePrefix: id }),
        );
        return Schedules.length > 0 ? Schedules : undefined;
      },
      { what: 'a timer' },
    );

    expect((second?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThanOrEqual(5_000);
    expect(timers).toHaveLength(1);
    const { delivery } = await read(id);
    expect(Date.parse(delivery.nextAttemptAt) - (second?.at ?? 0)).toBeGreaterThanOrEqual(299_000);
  });
});

describe('events that a webhook has had', () => {
  it('are sent again in their order when asked for, once, and told by an operation', async () => {
    const { id } = await subscribe();
    const { cursor } = (await call('GET', '/feed/head')).body;
    await putContacts('c-1', 'c-2', 'c-3');
    await world.untilPosted(path, 3);
    await eventually(async () => ((await read(id)).delivery.lag === 0 ? true : undefined), { what: 'no lag' });
    const to = cursor.replace(/\d+$/, (sequence: string) => String(Number(sequence) + 2));

    const accepted = await call('POST', `/webhooks/${id}/replay`, { fromCursor: cursor, toCursor: to });
    const done = await eventually(
      async () => {
        const { body } = await call('GET', `/operations/${accepted.body.id}?wait=1`);
        return body.finishedAt === undefined ? undefined : body;
      },
      { what: 'the end of the replay' },
    );
    await putContacts('c-4');
    const posted = await world.untilPosted(path, 6);

    expect(accepted).toMatchObject({ status: 202, body: { kind: 'replayWebhook', subject: { type: 'webhook', id } } });
    expect(done).toMatchObject({ status: 'succeeded', progress: { done: 2, total: 2 }, result: { events: 2 } });
    expect(subjectsOf(posted)).toEqual(['c-1', 'c-2', 'c-3', 'c-1', 'c-2', 'c-4']);
    const ids = posted.map(({ headers }) => headers['webhook-id']);
    expect(ids.slice(3, 5)).toEqual(ids.slice(0, 2));
    const { data } = (await call('GET', `/webhooks/${id}/deliveries`)).body;
    expect(data.filter(({ operationId }: { operationId: string }) => operationId === accepted.body.id)).toHaveLength(2);
  });

  it('cannot be asked for from a place that is none', async () => {
    const { id } = await subscribe();
    const { cursor } = (await call('GET', '/feed/head')).body;

    expect((await call('POST', `/webhooks/${id}/replay`, { fromCursor: 'tomorrow' })).status).toBe(400);
    expect((await call('POST', `/webhooks/${id}/replay`, { fromCursor: `zz.${cursor.split('.')[1]}` })).status).toBe(
      410,
    );
    await call('PATCH', `/webhooks/${id}`, { status: 'disabled' });
    expect((await call('POST', `/webhooks/${id}/replay`, { fromCursor: cursor })).body.code).toBe('invalidState');
  });
});

describe('a backlog', () => {
  it('of a thousand events is delivered in order, over one connection in each slice', async () => {
    const { id } = await subscribe();
    const { table } = world.api.services;
    const count = 1_000;
    const now = new Date();
    const events = Array.from({ length: count }, (_, index) => ({
      position: { sequence: String(index + 1), index: 0 },
      event: {
        id: createIdentifier('evt', now.getTime()),
        type: 'record.updated',
        at: now.toISOString(),
        ...systemAuthor,
        subject: { type: 'record', id: 'rec_1', externalId: String(index) },
        version: index + 1,
        data: null,
      },
    }));
    const expiresAt = Math.ceil(now.getTime() / 1000) + 3_600;
    const delivery = { organizationId: organization.id, shard: 'shard-0', events, expiresAt, now };
    const end = await appendEvents(createFeedPages(table), new Map(), delivery);
    const connections = world.endpoint.connections();

    await ringForPage(world.api.services, organization.id, end);
    const posted = await world.untilPosted(path, count, 50);

    expect(subjectsOf(posted)).toEqual(events.map((_, index) => String(index)));
    expect(world.endpoint.connections() - connections).toBeLessThanOrEqual(3);
    await eventually(async () => ((await read(id)).delivery.lag === 0 ? true : undefined), { what: 'no lag' });
  });
});

describe('what must not be lost', () => {
  it('is rung for by the watchdog when the doorbell is lost', async () => {
    const { id } = await subscribe();
    await eventually(
      async () => ((await world.api.cycleItem(`${organization.id}#${id}`, 'webhook')) ? true : undefined),
      {
        what: 'the state of the webhook',
      },
    );
    const { items } = await world.api.services.table.query({ pk: `${organization.id}#webhook` });
    const [stored] = items;
    if (stored === undefined) throw new Error('The webhook is not stored');
    // While it stands disabled nobody rings; its state goes on waiting.
    await world.api.services.table.write([
      { put: { ...stored, entity: { ...(stored['entity'] as object), status: 'disabled' } } },
    ]);
    await putContacts('c-1');
    await world.api.services.table.write([{ put: stored }]);
    const watch = createWebhookWatch({
      table: world.api.services.table,
      queues: world.api.services.queues,
      now: () => new Date(Date.now() + 300_000),
      periodSeconds: 60,
    });
    const key = webhookStateKey(organization.id, id);

    await watch.visit({ ...(await world.api.cycleItem(key.pk, key.sk)) });

    expect(watch.lagSeconds()).toBeGreaterThan(290);
    expect(subjectsOf(await world.untilPosted(path, 1))).toEqual(['c-1']);
  });

  it('is told as a gap when the feed was begun anew, and the webhook goes on', async () => {
    const { id } = await subscribe();
    await putContacts('c-1');
    await world.untilPosted(path, 1);
    await bumpFeedEpoch(world.api.services.table, new Date());
    await putContacts('c-2');

    expect(subjectsOf(await world.untilPosted(path, 2)).at(-1)).toBe('c-2');
    expect(await openAlerts(id)).toMatchObject([{ code: 'webhookGap', level: 'warning' }]);
  });
});

describe('the webhooks of an organization', () => {
  it('are refused where they could reach what they must not', async () => {
    const create = (url: string) => call('POST', '/webhooks', { url });

    for (const url of ['https://10.0.0.1/', 'https://169.254.169.254/latest', 'http://[::ffff:10.0.0.1]/'])
      expect(await create(url)).toMatchObject({ status: 400, body: { code: 'hostNotAllowed' } });
    for (const url of ['http://93.184.215.14/', 'ftp://client.example/', 'https://u:p@client.example/', 'nonsense'])
      expect(await create(url)).toMatchObject({ status: 400, body: { errors: [{ pointer: '#/url' }] } });
    expect((await create('https://hooks.client.invalid/in')).status).toBe(201);
  });

  it('are changed, listed and deleted, by those who may', async () => {
    const { id, secret: _ } = await subscribe();

    const changed = await call('PATCH', `/webhooks/${id}`, { types: null, thin: false }, { 'if-match': '"1"' });
    const same = await call('PATCH', `/webhooks/${id}`, { thin: false });
    const stale = await call('PATCH', `/webhooks/${id}`, { thin: true }, { 'if-match': '"1"' });
    const listed = (await organization.as('reader')('GET', '/webhooks')).body.data;
    const refused = await organization.as('reader')('POST', `/webhooks/${id}/rotate-secret`, {});
    const deleted = await call('DELETE', `/webhooks/${id}`);
    await putContacts('c-1');

    const { body: audit } = await organization.as('admin')('GET', '/audit-log?limit=3');
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
    expect((await call('GET', `/webhooks/${id}`)).status).toBe(404);
    expect(world.endpoint.posted(path)).toEqual([]);
  });

  it('are made once for an Idempotency-Key, whose secret is shown once', async () => {
    const create = () => call('POST', '/webhooks', { url: world.endpoint.url(path) }, { 'idempotency-key': 'hook' });

    const [first, second] = [await create(), await create()];

    expect(second).toMatchObject({ status: 201, body: { id: first.body.id, secret: null } });
    expect((await call('GET', '/webhooks')).body.data).toHaveLength(1);
  });
});
