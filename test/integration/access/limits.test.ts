import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { routeGroups } from '../../../functions/api/routes/index.ts';
import { quotaSchema } from '../../../shared/quota/quota.ts';
import { RequestMeter } from '../../../shared/quota/request-meter.ts';
import { type ApiHarness, type Client, startApiHarness } from '../api-harness.ts';
import { createEventReader } from '../read-events.ts';

let hub: ApiHarness;
let organization: Awaited<ReturnType<ApiHarness['organization']>>;
let admin: Client;

beforeAll(async () => {
  hub = await startApiHarness(routeGroups);
  // Requests are counted by windows of ten seconds and by days: what is counted here falls into one.
  hub.stopClock();
});
afterAll(async () => {
  await hub?.stop();
});
beforeEach(async () => {
  organization = await hub.organization({ kind: 'sandbox' });
  admin = organization.admin;
});

const ungranted = quotaSchema.parse({});

const grant = (quota: Readonly<Record<string, unknown>> | null) =>
  hub.operator('PATCH', `/v1/organizations/${organization.id}`, { body: { quota } });

const createUser = (name: string) =>
  admin('PUT', `/v1/users/ext:${name}`, { body: { fullName: name, emailAddress: `${name}@contoso.example` } });

const writeEmail = () =>
  admin('POST', '/v1/emails', {
    body: { from: { owner: 'ext:anna' }, to: [{ address: 'carl@client.example' }], subject: 'Offer' },
  });

describe('requests of a key', () => {
  it('are refused above the rate, with the time to wait, and taken again after it', async () => {
    await grant({ requestsPerSecond: 1 });
    const answers = await Promise.all(Array.from({ length: 25 }, () => admin('GET', '/v1/organization')));
    const refused = answers.filter(({ status }) => status === 429);
    const wait = Number(refused[0]?.headers['retry-after']);

    expect(refused.length).toBeGreaterThan(0);
    expect(refused[0]?.body.code).toBe('rateLimited');
    expect(wait).toBeGreaterThan(0);
    expect(wait).toBeLessThanOrEqual(10);
    hub.advance(wait * 1000);
    expect((await admin('GET', '/v1/organization')).status).toBe(200);
  });

  it('leave those of other keys alone', async () => {
    const { body } = await admin('POST', '/v1/api-keys', { body: { name: 'other', role: 'reader' } });
    await grant({ requestsPerSecond: 1 });
    await Promise.all(Array.from({ length: 25 }, () => admin('GET', '/v1/organization')));

    expect((await hub.client(body.secret)('GET', '/v1/organization')).status).toBe(200);
  });

  it('are counted over all functions that answer', async () => {
    const { table, now } = hub.services;
    const meters = Array.from({ length: 4 }, () => new RequestMeter(table, now));
    const metered = { scope: organization.id, id: 'key_shared', quota: { ...ungranted, requestsPerSecond: 100 } };
    let admitted = 0;
    const call = async (meter: RequestMeter): Promise<void> => {
      try {
        await meter.admit(metered);
        admitted += 1;
      } catch {}
    };
    await Promise.all(
      meters.map(async (meter) => {
        for (let request = 0; request < 500; request += 1) await call(meter);
      }),
    );

    // 1,000 in ten seconds, and a block of twenty for each function that has not told yet.
    expect(admitted).toBeGreaterThanOrEqual(1_000);
    expect(admitted).toBeLessThanOrEqual(1_000 + 4 * 20);
  });
});

describe('a quota', () => {
  it('is set by the operator alone, shown to everybody, and noted', async () => {
    await grant({ mailboxes: 5 });

    expect((await admin('GET', '/v1/organization')).body.quota).toEqual({
      mailboxes: 5,
      connections: null,
      sendsPerDay: null,
      storedBytes: null,
      apiCallsPerDay: null,
      laneSharePercent: null,
      requestsPerSecond: null,
    });
    expect((await grant({ mailboxes: -1 })).body.errors[0].pointer).toBe('#/quota/mailboxes');
    const [entry] = (await admin('GET', '/v1/audit-log?action=organization.changed')).body.data;
    expect(entry).toMatchObject({ actor: { type: 'operator' }, after: { quota: { mailboxes: 5 } } });
    await grant(null);
    expect((await admin('GET', '/v1/organization')).body.quota.mailboxes).toBeNull();
  });

  it('of mailboxes refuses one more, and takes another when one is gone', async () => {
    await grant({ mailboxes: 1 });
    await createUser('anna');
    const refused = await createUser('ben');

    expect([refused.status, refused.body.code, refused.body.quota]).toEqual([403, 'quotaExceeded', 'mailboxes']);
    expect((await createUser('anna')).status).toBe(200);
    await admin('DELETE', '/v1/users/ext:anna');
    expect((await createUser('ben')).status).toBe(201);
  });

  it('of connections refuses a server profile that would allow more, and raising one', async () => {
    const server = (port: number) => ({ host: '127.0.0.1', port, security: 'tls' });
    const profile = {
      kind: 'imapSmtp',
      incoming: { protocol: 'imap', ...server(993) },
      outgoing: { protocol: 'smtp', ...server(465) },
      credentials: { source: 'mailbox', authentication: 'password' },
    };
    const create = (name: string, maxConnections: number) =>
      admin('POST', '/v1/server-profiles', { body: { ...profile, name, maxConnections } });
    await grant({ connections: 15 });
    const first = await create('first', 10);
    const tooMany = await create('second', 6);
    const second = await create('second', 5);
    const raised = await admin('PATCH', `/v1/server-profiles/${second.body.id}`, { body: { maxConnections: 6 } });
    const lowered = await admin('PATCH', `/v1/server-profiles/${first.body.id}`, { body: { maxConnections: 9 } });

    expect([first.status, second.status, lowered.status]).toEqual([201, 201, 200]);
    for (const refused of [tooMany, raised])
      expect([refused.status, refused.body.code, refused.body.quota]).toEqual([403, 'quotaExceeded', 'connections']);
    expect((await admin('GET', '/v1/organization/usage')).body.connections).toEqual({ used: 14, limit: 15 });
  });

  it('of requests refuses those of the rest of the day', async () => {
    await grant({ apiCallsPerDay: 3 });
    const answers = [];
    for (let request = 0; request < 5; request += 1) answers.push(await admin('GET', '/v1/organization'));

    expect(answers.map(({ status }) => status)).toContain(403);
    expect(answers.at(-1)?.body).toMatchObject({ code: 'quotaExceeded', quota: 'apiCallsPerDay', limit: 3 });
    hub.advance(86_400_000);
    expect((await admin('GET', '/v1/organization')).status).toBe(200);
  });
});

describe('usage', () => {
  it('tells what is used and what is granted, to administrators and operators', async () => {
    const readEvents = await createEventReader();
    await createUser('anna');
    const email = await writeEmail();
    await admin('POST', `/v1/emails/${email.body.id}/send`, { body: { issueSend: false } });
    await readEvents((method, path) => admin(method, `/v1${path}`));
    await grant({ mailboxes: 9, sendsPerDay: 8, storedBytes: 7_000, apiCallsPerDay: 600 });

    const { body } = await admin('GET', '/v1/organization/usage');
    expect(body).toMatchObject({
      mailboxes: { used: 1, limit: 9 },
      sends: { used: 0, limit: 8 },
      storedBytes: { used: expect.any(Number), limit: 7_000 },
      feedEvents: { limit: null },
      apiCalls: { limit: 600 },
    });
    expect(body.feedEvents.used).toBeGreaterThan(1);
    expect(body.apiCalls.used).toBeGreaterThan(2);
    const listed = (await hub.operator('GET', `/v1/organizations/${organization.id}`)).body.usage;
    expect(listed).toMatchObject({ mailboxes: { used: 1, limit: 9 }, sends: { limit: 8 } });
  });

  it('of Sends and bytes, added up by the feed, holds the next ones back', async () => {
    await createUser('anna');
    const { table } = hub.services;
    const day = hub.services.now().toISOString().slice(0, 10);
    await table.write([
      {
        put: {
          pk: `${organization.id}#feedHead`,
          sk: 'head',
          v: 1,
          next: 5,
          marks: {},
          tally: { storedBytes: 500, sends: { day, count: 3 } },
        },
      },
    ]);
    await grant({ storedBytes: 500 });
    const full = await writeEmail();
    await grant({ storedBytes: 501, sendsPerDay: 3 });
    const draft = await writeEmail();
    const send = await admin('POST', `/v1/emails/${draft.body.id}/send`, { body: {} });

    expect([full.status, full.body.quota]).toEqual([403, 'storedBytes']);
    expect([send.status, send.body.quota]).toEqual([403, 'sendsPerDay']);
  });
});
