import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { MailUser } from '../../support/mail-servers.ts';
import { findMailUser, withMailbox } from '../../support/mailbox-client.ts';
import { startSilentServer } from '../../support/silent-server.ts';
import type { ApiCall, TestOrganization } from '../role-calls.ts';
import {
  createProfile,
  createUserMailbox,
  type MailboxWorld,
  startMailboxWorld,
  testMailbox,
} from './mailbox-world.ts';

let world: MailboxWorld;
let organization: TestOrganization;
let call: ApiCall;
let anna: MailUser;

beforeAll(async () => {
  world = await startMailboxWorld();
  anna = findMailUser(world.mail, 'anna@contoso.example');
});

afterAll(async () => {
  await world?.stop();
});

beforeEach(async () => {
  organization = await world.api.createOrganization();
  call = organization.as('admin');
});

/** A mailbox whose incoming is enabled, before its first cycle. */
const enabledAnna = async () => {
  const serverProfileId = await createProfile(organization, world.mail);
  const created = await createUserMailbox(organization, { externalId: 'u-17', mailUser: anna, serverProfileId });
  await testMailbox(world, organization, created.mailboxId, { sendTestMessage: false, workloads: ['incoming'] });
  return { ...created, serverProfileId };
};
const sync = (mailboxId: string, body: object = {}) => call('POST', `/mailboxes/${mailboxId}/sync`, body);
const scheduleOf = async (mailboxId: string) => (await call('GET', `/mailboxes/${mailboxId}/schedule`)).body;

describe('sync', () => {
  it('is done when a cycle begun after the request has completed', async () => {
    const { mailboxId } = await enabledAnna();
    await world.runIncoming();

    const { status, body, headers } = await sync(mailboxId);
    const waiting = (await call('GET', `/operations/${body.id}`)).body.status;
    await world.runIncoming();
    const ended = (await call('GET', `/operations/${body.id}`)).body;

    expect([status, waiting]).toEqual([202, 'queued']);
    expect(headers['location']).toBe(`/v1/operations/${body.id}`);
    expect(ended).toMatchObject({
      kind: 'synchronize',
      status: 'succeeded',
      subject: { type: 'mailbox', id: mailboxId },
      progress: { done: 1, total: 1 },
      result: { incoming: { status: 'success', counts: { seen: expect.any(Number) } } },
    });
  });

  it('is one operation while it waits, and another afterwards', async () => {
    const { mailboxId } = await enabledAnna();
    await world.runIncoming();

    const waiting = [await sync(mailboxId), await sync(mailboxId), await sync(mailboxId, { workloads: ['incoming'] })];
    await world.runIncoming();
    const later = await sync(mailboxId);

    expect(new Set(waiting.map(({ body }) => body.id)).size).toBe(1);
    expect(later.body.id).not.toBe(waiting[0]?.body.id);
  });

  it('has failed when the workload is disabled before its cycle comes', async () => {
    const { mailboxId } = await enabledAnna();
    await world.runIncoming();

    const { body } = await sync(mailboxId);
    await call('POST', `/mailboxes/${mailboxId}/disable`, { workloads: ['incoming'] });
    await world.runIncoming();
    await world.runOperations();

    expect((await call('GET', `/operations/${body.id}`)).body).toMatchObject({
      status: 'failed',
      fault: { code: 'workloadNotEnabled', fix: expect.stringMatching(/./) },
    });
  });

  it('outlasts a test of the workload, and is answered by the cycle after it', async () => {
    const { mailboxId } = await enabledAnna();
    await world.runIncoming();

    const { body } = await sync(mailboxId);
    const test = await call('POST', `/mailboxes/${mailboxId}/test-and-enable`, { sendTestMessage: false });
    await world.finish(call, test.body.id);
    const waiting = (await call('GET', `/operations/${body.id}`)).body.status;
    await world.runIncoming();

    expect(['queued', 'running']).toContain(waiting);
    expect((await call('GET', `/operations/${body.id}`)).body.status).toBe('succeeded');
  });

  it('tells how its own cycle ended: why it failed, and no counts of the one before', async () => {
    const { mailboxId } = await enabledAnna();
    await world.runIncoming();
    await call('PATCH', `/mailboxes/${mailboxId}`, { credentials: { username: anna.username, password: 'wrong' } });

    const { body } = await sync(mailboxId);
    await world.runIncoming();
    const { status, result } = (await call('GET', `/operations/${body.id}`)).body;

    expect(status).toBe('succeeded');
    expect(result).toEqual({
      incoming: {
        status: 'failure',
        fault: expect.objectContaining({ code: 'authenticationFailed', whoActs: 'mailboxOwner' }),
      },
    });
  });

  it('is refused for what is not enabled', async () => {
    const { mailboxId } = await enabledAnna();

    for (const workloads of [['outgoing'], ['incoming', 'outgoing'], ['act']])
      expect(await sync(mailboxId, { workloads })).toMatchObject({
        status: 409,
        body: { code: 'workloadNotEnabled' },
      });
    await call('POST', `/mailboxes/${mailboxId}/disable`, { workloads: ['incoming'] });
    expect((await sync(mailboxId)).body.code).toBe('workloadNotEnabled');
  });
});

describe('the schedule', () => {
  it('tells of each workload when it runs next and how its last cycle went', async () => {
    const { mailboxId } = await enabledAnna();
    const before = await scheduleOf(mailboxId);
    const { version } = (await call('GET', `/mailboxes/${mailboxId}`)).body;

    await world.runIncoming();
    const after = await scheduleOf(mailboxId);

    expect(before).toMatchObject({
      mailboxId,
      health: 'ok',
      workloads: { incoming: { state: 'enabled', phase: 'queued', lastCompletedAt: null } },
    });
    expect(after).toMatchObject({
      health: 'ok',
      workloads: {
        incoming: {
          state: 'enabled',
          phase: 'armed',
          reason: 'interval',
          consecutiveFailures: 0,
          lastCounts: { seen: expect.any(Number), tracked: 0, skipped: expect.any(Number), failed: 0 },
          backlog: 0,
          overdue: false,
        },
        outgoing: { state: 'notTested', phase: 'none', nextRunAt: null },
        act: { state: 'off' },
      },
    });
    const { nextRunAt, lastStartedAt, lastCompletedAt, lastSuccessAt } = after.workloads.incoming;
    const delay = Date.parse(nextRunAt) - Date.parse(lastCompletedAt);
    expect(delay).toBeGreaterThanOrEqual(300_000);
    expect(delay).toBeLessThanOrEqual(330_000);
    expect(lastSuccessAt).toBe(lastCompletedAt);
    expect(Date.parse(lastStartedAt)).toBeLessThanOrEqual(Date.parse(lastCompletedAt));
    expect((await call('GET', `/mailboxes/${mailboxId}`)).body.version).toBe(version);
  });

  it('is late when nothing ran for long, and off when nothing is to run', async () => {
    const { mailboxId } = await enabledAnna();
    await world.runIncoming();

    world.api.advance(3_600_000);
    const late = await scheduleOf(mailboxId);
    const listed = (await call('GET', '/mailboxes?health=late')).body.data;
    world.api.advance(-3_600_000);
    await call('POST', `/mailboxes/${mailboxId}/disable`, { workloads: ['incoming'] });

    expect(late).toMatchObject({ health: 'late', workloads: { incoming: { phase: 'queued', overdue: true } } });
    expect(listed).toMatchObject([{ id: mailboxId }]);
    expect(await scheduleOf(mailboxId)).toMatchObject({
      health: 'off',
      workloads: { incoming: { state: 'disabled', phase: 'none', nextRunAt: null } },
    });
  });
});

describe('a new password', () => {
  it('is what the next cycle signs in with', async () => {
    const { mailboxId } = await enabledAnna();
    await world.runIncoming();
    const path = `/mailboxes/${mailboxId}`;

    await call('PATCH', path, { credentials: { password: 'wr0ng-word' } });
    await sync(mailboxId);
    await world.runIncoming();
    const refused = (await call('GET', path)).body.workloads.incoming;
    await call('PATCH', path, { credentials: { password: anna.password } });
    await call('POST', `${path}/enable`, { workloads: ['incoming'] });
    await world.runIncoming();
    const working = (await call('GET', path)).body.workloads.incoming;

    // This credential has never worked, so there is nothing to be patient for.
    expect(refused).toMatchObject({
      state: 'disabled',
      disabledBy: 'permanentError',
      fault: { code: 'authenticationFailed', whoActs: 'mailboxOwner' },
    });
    expect(working).toMatchObject({ state: 'enabled', fault: null, disabledBy: null });
    expect(JSON.stringify([world.log, world.api.log])).not.toContain('wr0ng-word');
  });
});

describe('folders', () => {
  it('are those that the server has, with their roles, page by page', async () => {
    const { mailboxId } = await enabledAnna();
    await withMailbox(world.mail, anna, (client) => client.mailboxCreate('Projects/Chairs'));

    const { body } = await call('GET', `/mailboxes/${mailboxId}/folders`);
    const first = (await call('GET', `/mailboxes/${mailboxId}/folders?limit=3`)).body;
    const second = (await call('GET', `/mailboxes/${mailboxId}/folders?limit=3&cursor=${first.nextCursor}`)).body;

    expect(body.nextCursor).toBeNull();
    expect(body.data).toContainEqual({ id: 'INBOX', path: 'INBOX', role: 'inbox' });
    expect(body.data).toContainEqual({ id: 'Sent', path: 'Sent', role: 'sent' });
    expect(body.data).toContainEqual({ id: 'Projects/Chairs', path: 'Projects/Chairs', role: null });
    expect([...first.data, ...second.data]).toEqual(body.data.slice(0, 6));
    expect((await organization.as('reader')('GET', `/mailboxes/${mailboxId}/folders`)).status).toBe(200);
  });

  it('answer with the fault of the server when it does not answer, within its time', async () => {
    const { mailboxId, serverProfileId } = await enabledAnna();
    const silent = await startSilentServer();
    try {
      const change = { incoming: { port: silent.port }, timeoutSeconds: 1 };
      await call('PATCH', `/server-profiles/${serverProfileId}`, change);

      const { status, body, headers } = await call('GET', `/mailboxes/${mailboxId}/folders`);

      expect([status, body.code, body.fault.code]).toEqual([503, 'unavailable', 'timedOut']);
      expect(headers['retry-after']).toBeDefined();
      expect((await call('GET', `/server-profiles/${serverProfileId}/health`)).body.openConnections).toBe(0);
    } finally {
      await silent.stop();
    }
  });

  it('answer with the fault of the login when the server refuses it', async () => {
    const { mailboxId } = await enabledAnna();
    await call('PATCH', `/mailboxes/${mailboxId}`, { credentials: { password: 'wr0ng-word' } });

    const { status, body } = await call('GET', `/mailboxes/${mailboxId}/folders`);

    expect([status, body.code, body.fault.code]).toEqual([409, 'invalidState', 'authenticationFailed']);
  });

  it('need an address and a profile', async () => {
    const { mailboxId } = (await call('PUT', '/users/ext:u-1', { fullName: 'Nobody' })).body;

    expect((await call('GET', `/mailboxes/${mailboxId}/folders`)).body.code).toBe('invalidState');
  });
});
