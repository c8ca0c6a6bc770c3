import { DeleteScheduleCommand, ListSchedulesCommand, SchedulerClient } from '@aws-sdk/client-scheduler';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { appendEvents } from '../../../shared/feed/append-events.ts';
import { bumpFeedEpoch } from '../../../shared/feed/feed-epoch.ts';
import type { FeedEvent } from '../../../shared/feed/feed-event.ts';
import { feedPageKey } from '../../../shared/feed/feed-page.ts';
import { createFeedPages } from '../../../shared/feed/feed-pages.ts';
import { systemAuthor } from '../../../shared/platform/change.ts';
import { createIdentifier } from '../../../shared/platform/identifier.ts';
import { ringForPage } from '../../../shared/webhook/ring-for-page.ts';
import { createWebhookWatch } from '../../../shared/webhook/watch-webhooks.ts';
import { webhookKind } from '../../../shared/webhook/webhook.ts';
import { webhookMessage } from '../../../shared/webhook/webhook-message.ts';
import { webhookStateKey } from '../../../shared/webhook/webhook-state.ts';
import { eventually } from '../../support/eventually.ts';
import {
  beginCase,
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

describe('an endpoint that fails', () => {
  it('gets the same event again, and nothing after it before', async () => {
    await hook.quicken();
    const { id } = await hook.subscribe();
    world.endpoint.answer(hook.path, () => ({ status: world.endpoint.posted(hook.path).length <= 2 ? 500 : 200 }));
    await hook.putContacts('c-1', 'c-2');

    const posted = await world.untilPosted(hook.path, 4);

    expect(subjectsOf(posted)).toEqual(['c-1', 'c-1', 'c-1', 'c-2']);
    expect(new Set(posted.slice(0, 3).map(({ headers }) => headers['webhook-id'])).size).toBe(1);
    const { data } = await eventually(
      async () => {
        const { body } = await hook.call('GET', `/webhooks/${id}/deliveries?status=succeeded`);
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
    await hook.quicken();
    const { id } = await hook.subscribe();
    world.endpoint.answer(hook.path, () =>
      world.endpoint.posted(hook.path).length === 1
        ? { status: 503, headers: { 'retry-after': '4' } }
        : { status: 200 },
    );
    await hook.putContacts('c-1');
    const waiting = await eventually(
      async () => {
        const webhook = await hook.read(id);
        return webhook.delivery.nextAttemptAt === null ? undefined : webhook;
      },
      { what: 'the next attempt' },
    );

    const [first, second] = await world.untilPosted(hook.path, 2);

    expect((second?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThanOrEqual(4_000);
    expect(waiting.delivery).toMatchObject({
      failedAttempts: 1,
      fault: { code: 'endpointFailing', detail: 'The endpoint answered 503' },
    });
  });

  it('at every attempt has its webhook disabled with an alert; enabled again it resumes where it stopped', async () => {
    await hook.quicken();
    const { id } = await hook.subscribe();
    world.endpoint.answer(hook.path, ({ body }) => ({
      status: JSON.parse(body).data.subject.externalId === 'c-1' ? 200 : 500,
    }));
    await hook.putContacts('c-1', 'c-2', 'c-3');

    const disabled = await hook.untilStatus(id, 'disabled');
    const attempts = world.endpoint.posted(hook.path).length;
    const alerts = await hook.openAlerts(id);
    world.endpoint.answer(hook.path, () => ({ status: 200 }));
    await hook.putContacts('c-4');
    const enabled = await hook.call('PATCH', `/webhooks/${id}`, { status: 'enabled' });
    const posted = await world.untilPosted(hook.path, attempts + 3);

    expect(attempts).toBe(1 + 10);
    expect(disabled).toMatchObject({ reason: 'endpointFailing', fault: { detail: 'The endpoint answered 500' } });
    expect(alerts).toMatchObject([{ code: 'endpointFailing', level: 'error', subject: { type: 'webhook', id } }]);
    expect(enabled.body).toMatchObject({ status: 'enabled', reason: null, fault: null });
    expect(subjectsOf(posted.slice(attempts))).toEqual(['c-2', 'c-3', 'c-4']);
    expect(await hook.openAlerts(id)).toEqual([]);
  });

  it('during a replay is told of each event by itself, and of a replay that was cancelled no more', async () => {
    await hook.quicken();
    const { id } = await hook.subscribe();
    const { cursor } = (await hook.call('GET', '/feed/head')).body;
    await hook.putContacts('c-1');
    await world.untilPosted(hook.path, 1);
    await hook.untilCaughtUp(id);
    let taken: readonly string[] = ['c-1'];
    world.endpoint.answer(hook.path, ({ body }) => ({
      status: taken.includes(JSON.parse(body).data.subject.externalId) ? 200 : 500,
    }));
    await hook.putContacts('c-2');
    await world.untilPosted(hook.path, 2);
    const replay = () => hook.call('POST', `/webhooks/${id}/replay`, { fromCursor: cursor });
    const deliveries = async () =>
      (await hook.call('GET', `/webhooks/${id}/deliveries`)).body.data.map(
        ({ event, status, operationId }: { event: FeedEvent; status: string; operationId: string | null }) =>
          [event.subject.externalId, status, operationId !== null] as const,
      );

    await replay();
    await eventually(async () => ((await deliveries()).length === 3 ? true : undefined), { what: 'the replay' });
    const between = await deliveries();
    const state = () => world.api.cycleItem(`${hook.organization.id}#${id}`, 'webhook');
    await eventually(async () => ((await state())?.['replay'] === null ? true : undefined), { what: 'its end' });
    taken = [];
    const { body: second } = await replay();
    const timesOf = (name: string) => subjectsOf(world.endpoint.posted(hook.path)).filter((one) => one === name).length;
    await eventually(async () => (timesOf('c-1') > 2 ? true : undefined), { what: 'the second replay' });
    await hook.call('POST', `/operations/${second.id}/cancel`, {});
    taken = ['c-2'];
    await eventually(async () => ((await hook.read(id)).delivery.lag === 0 ? true : undefined), { what: 'no lag' });

    expect(between).toEqual([
      ['c-1', 'succeeded', true],
      ['c-2', 'retrying', false],
      ['c-1', 'succeeded', false],
    ]);
    expect((await deliveries()).filter(([, , again]: readonly unknown[]) => again === false)).toEqual([
      ['c-2', 'succeeded', false],
      ['c-1', 'succeeded', false],
    ]);
  });

  it('with 410 has its webhook disabled at once', async () => {
    const { id } = await hook.subscribe();
    world.endpoint.answer(hook.path, () => ({ status: 410 }));
    await hook.putContacts('c-1');

    expect(await hook.untilStatus(id, 'disabled')).toMatchObject({
      reason: 'endpointGone',
      fault: { code: 'endpointGone' },
    });
    expect(world.endpoint.posted(hook.path)).toHaveLength(1);
    expect(await hook.openAlerts(id)).toMatchObject([{ code: 'endpointGone' }]);
    const { data } = (await hook.organization.as('admin')('GET', `/audit-log?subject=${id}&actor=system`)).body;
    expect(data).toMatchObject([
      {
        action: 'webhook.changed',
        before: { status: 'enabled' },
        after: { status: 'disabled', reason: 'endpointGone' },
      },
    ]);
  });

  it('by hanging holds up neither another webhook of its organization nor one of another', async () => {
    const hanging = await hook.subscribe({}, `${hook.path}-hangs`);
    world.endpoint.answer(`${hook.path}-hangs`, () => 'hang');
    await hook.subscribe();
    const other = await world.api.createOrganization();
    await other.as('crm')('POST', '/webhooks', { url: world.endpoint.url(`${hook.path}-other`), types: ['record.*'] });
    await hook.putContacts('c-1');
    await world.untilPosted(`${hook.path}-hangs`, 1);
    const begunAt = Date.now();
    await hook.putContacts('c-2', 'c-3');
    await other.as('crm')('PUT', '/records/contact/ext:o-1', { displayName: 'Of the other' });
    await world.runFeed();

    const mine = await world.untilPosted(hook.path, 3);
    const theirs = await world.untilPosted(`${hook.path}-other`, 1);
    const took = Math.max(mine.at(-1)?.at ?? 0, theirs[0]?.at ?? 0) - begunAt;
    const held = await eventually(
      async () => {
        const webhook = await hook.read(hanging.id);
        return webhook.delivery.failedAttempts === 0 ? undefined : webhook;
      },
      { what: 'the time-out of the endpoint that hangs', seconds: 30 },
    );

    expect(took).toBeLessThan(10_000);
    expect(held.delivery).toMatchObject({ failedAttempts: 1, fault: { code: 'timedOut' } });
    expect(Date.now() - begunAt).toBeGreaterThan(10_000);
  });

  it('twice waits by a timer, which a second delivery arms where the first died before it could', async () => {
    const { id } = await hook.subscribe();
    world.endpoint.answer(hook.path, () => ({ status: 500 }));
    await hook.putContacts('c-1');
    const [first, second] = await world.untilPosted(hook.path, 2);
    const scheduler = new SchedulerClient({});
    const GroupName = process.env['SCHEDULE_GROUP'];
    const listTimers = async () => {
      const { Schedules = [] } = await scheduler.send(new ListSchedulesCommand({ GroupName, NamePrefix: id }));
      return Schedules;
    };

    const [timer] = await eventually(
      async () => {
        const timers = await listTimers();
        return timers.length > 0 ? timers : undefined;
      },
      { what: 'a timer' },
    );
    const { delivery } = await hook.read(id);
    await scheduler.send(new DeleteScheduleCommand({ GroupName, Name: timer?.Name }));
    const message = webhookMessage(hook.organization.id, id, { reason: 'feed' });
    await world.deliver(message, 1);
    const afterAnother = await listTimers();
    await world.deliver(message, 2);

    expect((second?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThanOrEqual(5_000);
    expect(Date.parse(delivery.nextAttemptAt) - (second?.at ?? 0)).toBeGreaterThanOrEqual(299_000);
    expect(afterAnother).toEqual([]);
    expect(await listTimers()).toMatchObject([{ Name: timer?.Name }]);
    expect(world.endpoint.posted(hook.path)).toHaveLength(2);
  });
});

describe('a backlog', () => {
  it('of a thousand events is delivered in order, over one connection in each slice', async () => {
    const { id } = await hook.subscribe();
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
    const delivery = { organizationId: hook.organization.id, shard: 'shard-0', events, expiresAt, now };
    const end = await appendEvents(createFeedPages(table), new Map(), delivery);

    await ringForPage(world.api.services, hook.organization.id, end);
    const posted = await world.untilPosted(hook.path, count, 50);

    expect(subjectsOf(posted)).toEqual(events.map((_, index) => String(index)));
    expect(countConnections(posted)).toBeLessThanOrEqual(3);
    await eventually(async () => ((await hook.read(id)).delivery.lag === 0 ? true : undefined), { what: 'no lag' });
  });
});

describe('what must not be lost', () => {
  it('is rung for by the watchdog when the doorbell is lost', async () => {
    const { id } = await hook.subscribe();
    await hook.putContacts('c-0');
    await world.untilPosted(hook.path, 1);
    await hook.untilCaughtUp(id);
    const { items } = await world.api.services.table.query({ pk: `${hook.organization.id}#webhook` });
    const [stored] = items;
    if (stored === undefined) throw new Error('The webhook is not stored');
    // While it stands disabled nobody rings; its state goes on waiting.
    await world.api.services.table.write([
      { put: { ...stored, entity: { ...(stored['entity'] as object), status: 'disabled' } } },
    ]);
    await hook.putContacts('c-1');
    await world.api.services.table.write([{ put: stored }]);
    const watch = createWebhookWatch({
      table: world.api.services.table,
      queues: world.api.services.queues,
      now: () => new Date(Date.now() + 300_000),
      periodSeconds: 60,
    });
    const key = webhookStateKey(hook.organization.id, id);

    await watch.visit({ ...(await world.api.cycleItem(key.pk, key.sk)) });

    expect(watch.lagSeconds()).toBeGreaterThan(290);
    expect(subjectsOf(await world.untilPosted(hook.path, 2))).toEqual(['c-0', 'c-1']);
  });

  it('is not sent to a webhook that was disabled or changed by a request that died half-way', async () => {
    const { id } = await hook.subscribe();
    const { store, now } = world.api.services;
    await store.update(
      webhookKind,
      hook.organization.id,
      id,
      (current) => ({ next: { ...current, status: 'disabled' as const } }),
      {
        now,
      },
    );

    await world.deliver(webhookMessage(hook.organization.id, id, { reason: 'changed' }), 1);
    await hook.putContacts('c-1');
    await world.deliver(webhookMessage(hook.organization.id, id, { reason: 'feed', sequence: 9 }), 1);

    expect(world.endpoint.posted(hook.path)).toEqual([]);
    expect(await world.api.cycleItem(`${hook.organization.id}#${id}`, 'webhook')).toMatchObject({
      enabled: false,
      version: 2,
    });
  });

  it('is told as a gap when the feed was begun anew, and the webhook goes on', async () => {
    const { id } = await hook.subscribe();
    await hook.putContacts('c-1');
    await world.untilPosted(hook.path, 1);
    await bumpFeedEpoch(world.api.services.table, new Date());
    await hook.putContacts('c-2');

    expect(subjectsOf(await world.untilPosted(hook.path, 2)).at(-1)).toBe('c-2');
    expect(await hook.openAlerts(id)).toMatchObject([{ code: 'webhookGap', level: 'warning' }]);
  });

  it('is told as a gap when what came next has been dropped before what came first, and the webhook goes on', async () => {
    const { id } = await hook.subscribe();
    await hook.putContacts('c-1');
    await world.untilPosted(hook.path, 1);
    await hook.untilCaughtUp(id);
    const { cursor } = (await hook.call('GET', '/feed/head')).body;
    await hook.call('PATCH', `/webhooks/${id}`, { status: 'disabled' });
    await hook.putContacts('c-2');
    await hook.putContacts('c-3');
    // As when the feed is kept for less time from then on.
    const dropped = feedPageKey(hook.organization.id, Number(cursor.split('.')[1]) + 1);
    expect(await world.api.services.table.get(dropped)).toBeDefined();
    await world.api.services.table.write([{ remove: dropped }]);

    await hook.call('PATCH', `/webhooks/${id}`, { status: 'enabled' });

    expect(subjectsOf(await world.untilPosted(hook.path, 2))).toEqual(['c-1', 'c-3']);
    expect(await hook.openAlerts(id)).toMatchObject([{ code: 'webhookGap', count: 1 }]);
  });
});
