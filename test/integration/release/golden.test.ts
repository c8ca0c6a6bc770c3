import { PutCommand } from '@aws-sdk/lib-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import type { DynamoDBRecord, SQSEvent } from 'aws-lambda';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { mailboxPasswordPlace } from '../../../shared/mailbox/credentials.ts';
import { mailboxKind } from '../../../shared/mailbox/mailbox.ts';
import { organizationKind } from '../../../shared/organization/organization.ts';
import { createDocumentClient } from '../../../shared/platform/aws-clients.ts';
import { serverProfileKind } from '../../../shared/server-profile/server-profile.ts';
import { createWebhookSecret } from '../../../shared/webhook/sign-event.ts';
import { webhookKind, webhookSecretPlace } from '../../../shared/webhook/webhook.ts';
import { type GoldenSet, lastRelease, readRelease } from '../../release/golden-set.ts';
import { appendMessage } from '../../support/mailbox-client.ts';
import { contextOf, type LaneHandler, loadLaneHandler } from '../../support/run-lane.ts';
import { loadOrganization } from '../../support/synchronized-mailbox.ts';
import type { Client } from '../api-harness.ts';
import { lookEverywhere } from '../erasure/erasure-world.ts';
import { compose } from '../tracking/compose.ts';
import { type IncomingWorld, startIncomingWorld } from '../tracking/incoming-world.ts';

type Fields = Readonly<Record<string, unknown>>;

let world: IncomingWorld;
const lanes = new Map<string, LaneHandler>();
let feed: (event: { readonly Records: readonly DynamoDBRecord[]; readonly shardId: string }) => Promise<unknown>;

beforeAll(async () => {
  process.env['POWERTOOLS_LOG_LEVEL'] = 'SILENT';
  process.env['POWERTOOLS_METRICS_DISABLED'] = 'true';
  world = await startIncomingWorld();
  for (const lane of ['incoming', 'outgoing', 'operations', 'webhooks'] as const)
    lanes.set(lane, await loadLaneHandler(lane));
  feed = (await import('../../../functions/feed/handler.ts')).handler as typeof feed;
  // The upgrade follows the recording, whenever this runs: what the set holds is kept for days or months only.
  const now = recordedAt() + 3_600_000;
  vi.useFakeTimers({ now, toFake: ['Date'], shouldAdvanceTime: true });
});

afterAll(async () => {
  vi.useRealTimers();
  await world?.stop();
});

/** When the last item of the set was written (epoch milliseconds). */
const recordedAt = (): number => {
  const { records } = readRelease('golden.json') as GoldenSet;
  const times = records.map((item) => unmarshall(item)['entity']?.updatedAt).filter((time) => typeof time === 'string');
  return Math.max(...times.map((time) => Date.parse(time)));
};

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;

/** What a later release might add wherever a resource has fields. */
const later = { ofALaterRelease: { since: '9.9.9' } };

const withLaterFields = (item: Fields): Fields => {
  const { entity } = item;
  if (!isFields(entity)) return 'generation' in item ? { ...item, ...later } : item;
  const { settings } = entity;
  return {
    ...item,
    entity: { ...entity, ...later, ...(isFields(settings) ? { settings: { ...settings, ...later } } : {}) },
  };
};

/** The recorded set with identifiers of its own, so that several stand side by side. */
const readGolden = (suffix: string): GoldenSet =>
  JSON.parse(
    JSON.stringify(readRelease('golden.json')).replaceAll(
      /\b([a-z]{3}_[0-9A-HJKMNP-TV-Z]{24})[0-9A-HJKMNP-TV-Z]{2}\b/g,
      `$1${suffix}`,
    ),
  );

const put = async (table: string, Item: Fields): Promise<void> => {
  await createDocumentClient().send(new PutCommand({ TableName: process.env[table], Item }));
};

/** Puts the set into the tables, as after an upgrade. The servers, and what opens their mailboxes, are those of today. */
const takeOver = async (golden: GoldenSet, change: (item: Fields) => Fields): Promise<Client> => {
  for (const item of golden.records) {
    const { entity, ...stored } = change(unmarshall(item));
    // The Send that was to leave a day later is due by now.
    const due = isFields(entity) && 'notBefore' in entity ? { ...entity, notBefore: 0 } : entity;
    await put('RECORDS_TABLE', due === undefined ? stored : { ...stored, entity: due });
  }
  for (const item of golden.cycles) {
    const cycle = change(unmarshall(item));
    await put('CYCLES_TABLE', typeof cycle['due'] === 'number' ? { ...cycle, due: Date.now() } : cycle);
  }
  const { store, vault, now } = world.api.services;
  const { organizationId } = golden;
  const organization = await loadOrganization(world.api.services, organizationId);
  const { imap, submission, caCertificate } = world.servers.environment;
  const [profile] = (await store.list(serverProfileKind, organizationId, { limit: 1 })).items;
  const [mailbox] = (await store.list(mailboxKind, organizationId, { limit: 1 })).items;
  if (profile === undefined || mailbox?.credentials == null) throw new Error('The set has no mailbox to be read');
  await store.update(
    serverProfileKind,
    organizationId,
    profile.id,
    (current) => ({
      next: {
        ...current,
        incoming: { ...current.incoming, ...imap } as typeof current.incoming,
        outgoing: { ...current.outgoing, ...submission } as typeof current.outgoing,
        caCertificates: caCertificate,
      },
    }),
    { now },
  );
  const password = await vault.seal(mailboxPasswordPlace(organization, mailbox.id), world.mailUser(1).password, now());
  await store.update(
    mailboxKind,
    organizationId,
    mailbox.id,
    (current) => ({ next: { ...current, credentials: { username: world.mailUser(1).username, password } } }),
    { now },
  );
  const [webhook] = (await store.list(webhookKind, organizationId, { limit: 1 })).items;
  if (webhook === undefined) throw new Error('The set has no webhook');
  const secret = await vault.seal(webhookSecretPlace(organization, webhook.id), createWebhookSecret(), now());
  await store.update(webhookKind, organizationId, webhook.id, (current) => ({ next: { ...current, secret } }), { now });
  const { body } = await world.api.operator('POST', `/v1/organizations/${organizationId}/api-keys`, {
    body: { name: 'after the upgrade', role: 'admin' },
  });
  return world.api.client(body.secret);
};

/** Hands a recorded message to the function of its lane; what the function says of it. */
const deliver = async ({ body }: GoldenSet['messages'][number]): Promise<readonly unknown[]> => {
  const handler = lanes.get(String(body['workload']));
  if (handler === undefined) throw new Error(`There is no lane ${String(body['workload'])}`);
  const attributes = { MessageGroupId: String(body['mailboxId']), ApproximateReceiveCount: '1' };
  const record = { messageId: 'm-1', receiptHandle: 'none', body: JSON.stringify(body), attributes };
  const answer = await handler({ Records: [record] } as unknown as SQSEvent, contextOf(60_000));
  return answer?.batchItemFailures ?? [];
};

const lists = [
  'users',
  'queues',
  'teams',
  'mailboxes',
  'server-profiles',
  'records/contact',
  'record-types',
  'emails',
  'decisions',
  'alerts',
  'operations',
  'webhooks',
  'consumers',
  'api-keys',
  'audit-log',
  'settings',
  'organization',
];

describe.each([
  ['as they were written', '0G', (item: Fields) => item],
  ['with fields of a later release in them', '0H', withLaterFields],
])(`items and messages of release ${lastRelease}, %s`, (_, suffix, change) => {
  const golden = readGolden(suffix);
  const { organizationId, messages } = golden;
  let client: Client;

  beforeAll(async () => {
    client = await takeOver(golden, change);
  });

  it.each(lists)('are shown by the API: %s', async (path) => {
    const { status, body } = await client('GET', `/v1/${path}`);

    expect(status, JSON.stringify(body)).toBe(200);
  });

  it('let the mailbox be read and the Send go out by the timers of then', async () => {
    const user = world.mailUser(1);
    const before = (await client('GET', '/v1/emails?direction=incoming')).body.data.length;
    await appendMessage(
      world.servers.environment,
      user,
      compose({ Subject: `After the upgrade ${suffix}`, To: user.address }),
      { receivedAt: new Date() },
    );

    for (const message of messages.filter(({ from }) => from === 'timer')) await deliver(message);

    const incoming = (await client('GET', '/v1/emails?direction=incoming')).body.data;
    const outgoing = (await client('GET', '/v1/emails?direction=outgoing')).body.data;
    expect(incoming.length).toBeGreaterThan(before);
    expect(incoming.map(({ subject }: { subject: string }) => subject)).toContain(`After the upgrade ${suffix}`);
    expect(outgoing.map(({ status }: { status: string }) => status)).toEqual(outgoing.map(() => 'sent'));
  });

  it('let every message end that was in a queue', async () => {
    for (const message of messages.filter(({ from, body }) => from === 'queue' && body['workload'] !== 'webhooks'))
      expect(await deliver(message), JSON.stringify(message)).toEqual([]);
  });

  it('let webhooks be tried, whose endpoint is gone', async () => {
    const attempts = async () => {
      const [webhook] = (await client('GET', '/v1/webhooks')).body.data;
      const { data } = (await client('GET', `/v1/webhooks/${webhook.id}/deliveries`)).body;
      return data.reduce((sum: number, delivery: { attempts: number }) => sum + delivery.attempts, 0);
    };
    const before = await attempts();

    for (const message of messages.filter(({ body }) => body['workload'] === 'webhooks')) await deliver(message);

    expect(await attempts()).toBeGreaterThan(before);
  });

  it('let the feed go on from the stream of then', async () => {
    const { cursor } = (await client('GET', '/v1/feed/head')).body;

    await feed({ Records: golden.stream, shardId: 'another' });

    const { status, body } = await client('GET', `/v1/feed?cursor=${cursor}`);
    expect(status).toBe(200);
    expect(body.data.length).toBeGreaterThan(0);
  });

  it('keep what this code does not know', async () => {
    const changed = await client('PATCH', '/v1/settings', { body: { alerts: { retentionDays: 31 } } });
    const { records, cycles } = await lookEverywhere();
    const expected = [...golden.records, ...golden.cycles].map((item) => change(unmarshall(item)));
    const stored = new Map([...records, ...cycles].map((item) => [`${item.pk} ${item.sk}`, item as Fields]));
    const lost = expected.filter((item) => {
      const found = stored.get(`${String(item['pk'])} ${String(item['sk'])}`);
      if (found === undefined) return false;
      const [was, is] = [item['entity'] ?? item, found['entity'] ?? found] as [Fields, Fields];
      return JSON.stringify(was['ofALaterRelease']) !== JSON.stringify(is['ofALaterRelease']);
    });
    const organization = stored.get(`${organizationId}#${organizationKind.kind} ${organizationId}`)?.[
      'entity'
    ] as Fields;

    expect(changed.status).toBe(200);
    expect(lost.map(({ pk, sk }) => `${String(pk)} ${String(sk)}`)).toEqual([]);
    expect((organization['settings'] as Fields)['ofALaterRelease']).toEqual(
      (change({ entity: { settings: {} } })['entity'] as { settings: Fields }).settings['ofALaterRelease'],
    );
  });
});
