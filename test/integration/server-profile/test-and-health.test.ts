import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { FeedEvent } from '../../../shared/feed/feed-event.ts';
import type { MailUser } from '../../support/mail-servers.ts';
import { findMailUser } from '../../support/mailbox-client.ts';
import { startSilentServer } from '../../support/silent-server.ts';
import {
  createProfile,
  createUserMailbox,
  type MailboxWorld,
  startMailboxWorld,
  testMailbox,
} from '../mailbox/mailbox-world.ts';
import { createEventReader } from '../read-events.ts';
import type { ApiCall, TestOrganization } from '../role-calls.ts';

let world: MailboxWorld;
let organization: TestOrganization;
let call: ApiCall;
let anna: MailUser;
let eventsOf: (call: ApiCall) => Promise<readonly FeedEvent[]>;

beforeAll(async () => {
  world = await startMailboxWorld();
  eventsOf = await createEventReader();
  anna = findMailUser(world.mail, 'anna@contoso.example');
});

afterAll(async () => {
  await world?.stop();
});

beforeEach(async () => {
  organization = await world.api.createOrganization();
  call = organization.as('admin');
});

const statusesOf = (steps: readonly { readonly name: string; readonly status: string }[]) =>
  steps.map(({ name, status }) => `${name} ${status}`);

const testProfile = async (profileId: string) => {
  const started = await call('POST', `/server-profiles/${profileId}/test`, {});
  expect(started).toMatchObject({ status: 202, body: { kind: 'testServerProfile', status: 'queued' } });
  return world.finish(call, started.body.id);
};

describe('the test of a server profile', () => {
  it('goes up to the login where each mailbox has its own', async () => {
    const { status, result } = await testProfile(await createProfile(organization, world.mail));

    expect(status).toBe('succeeded');
    const { incoming, outgoing } = result.workloads;
    expect([incoming.status, outgoing.status]).toEqual(['success', 'success']);
    const reached = ['resolve success', 'connect success', 'tls success', 'authenticate skipped'];
    expect(statusesOf(incoming.steps)).toEqual([...reached, 'list skipped', 'receive skipped']);
    expect(statusesOf(outgoing.steps)).toEqual([...reached, 'send skipped']);
  });

  it('signs in with the login of the profile', async () => {
    const credentials = {
      source: 'profile',
      authentication: 'password',
      username: anna.username,
      password: anna.password,
    };
    const profileId = await createProfile(organization, world.mail, { credentials });

    const { result } = await testProfile(profileId);

    expect(statusesOf(result.workloads.incoming.steps)).toEqual([
      'resolve success',
      'connect success',
      'tls success',
      'authenticate success',
      'list success',
      'receive skipped',
    ]);
    expect(result.workloads.outgoing.status).toBe('success');
  });

  it('tells of a login of the profile that is wrong, or missing', async () => {
    const login = { source: 'profile', authentication: 'password', username: anna.username };
    const wrong = await createProfile(organization, world.mail, { credentials: { ...login, password: 'wr0ng-word' } });
    const missing = await createProfile(organization, world.mail, { credentials: login });

    for (const profileId of [wrong, missing]) {
      const { incoming, outgoing } = (await testProfile(profileId)).result.workloads;
      for (const side of [incoming, outgoing]) {
        expect(side).toMatchObject({ status: 'failure', fault: { code: 'authenticationFailed' } });
        expect(statusesOf(side.steps)).toContain('authenticate failure');
      }
    }
  });

  it('tells of a host that does not answer and of a certificate that nobody trusts', async () => {
    const silent = await startSilentServer();
    try {
      const hanging = await createProfile(organization, world.mail, {
        incoming: { protocol: 'imap', host: '127.0.0.1', port: silent.port, security: 'tls' },
        timeoutSeconds: 1,
      });
      const untrusted = await createProfile(organization, world.mail, { caCertificates: null });

      const { incoming } = (await testProfile(hanging)).result.workloads;
      const { outgoing } = (await testProfile(untrusted)).result.workloads;

      expect(incoming).toMatchObject({ status: 'failure', fault: { code: 'timedOut' } });
      expect(outgoing).toMatchObject({ status: 'failure', fault: { code: 'tlsUntrusted' } });
    } finally {
      await silent.stop();
    }
  });

  it('can be asked for again and again; under one Idempotency-Key it is one', async () => {
    const profileId = await createProfile(organization, world.mail);
    const path = `/server-profiles/${profileId}/test`;
    const headers = { 'idempotency-key': 'test-1' };

    const [first, again] = [await call('POST', path, {}, headers), await call('POST', path, {}, headers)];
    const other = await call('POST', path, {});

    expect(again.body.id).toBe(first.body.id);
    expect(other.body.id).not.toBe(first.body.id);
    for (const id of [first.body.id, other.body.id]) expect((await world.finish(call, id)).status).toBe('succeeded');
  });
});

describe('the health of a server profile', () => {
  const healthOf = async (profileId: string) => (await call('GET', `/server-profiles/${profileId}/health`)).body;

  it('tells its mailboxes and its connections', async () => {
    const serverProfileId = await createProfile(organization, world.mail, { maxConnections: 7 });
    await createUserMailbox(organization, { externalId: 'u-17', mailUser: anna, serverProfileId });

    expect(await healthOf(serverProfileId)).toEqual({
      status: 'ok',
      openConnections: 0,
      maxConnections: 7,
      mailboxes: 1,
      failingLastHour: 0,
    });
  });

  it('counts the mailboxes that fail, and is paused by a fault of the servers until one success', async () => {
    const serverProfileId = await createProfile(organization, world.mail);
    const { mailboxId } = await createUserMailbox(organization, {
      externalId: 'u-17',
      mailUser: anna,
      serverProfileId,
    });
    await testMailbox(world, organization, mailboxId);
    const path = `/server-profiles/${serverProfileId}`;

    await call('PATCH', `/mailboxes/${mailboxId}`, { credentials: { password: 'wr0ng-word' } });
    await world.runIncoming();
    const failing = await healthOf(serverProfileId);
    await call('PATCH', path, { incoming: { port: 1 } });
    await call('PATCH', `/mailboxes/${mailboxId}`, { credentials: { password: anna.password } });
    await call('POST', `/mailboxes/${mailboxId}/enable`, { workloads: ['incoming'] });
    await world.runIncoming();
    const paused = await healthOf(serverProfileId);
    await call('PATCH', path, { incoming: { port: world.mail.imap.port } });
    await testMailbox(world, organization, mailboxId);
    const resumed = await healthOf(serverProfileId);

    expect(failing).toMatchObject({ status: 'degraded', mailboxes: 1, failingLastHour: 1 });
    expect(paused).toMatchObject({
      status: 'paused',
      pausedUntil: expect.any(String),
      fault: { code: 'connectFailed' },
    });
    expect(resumed).toMatchObject({ status: 'ok', failingLastHour: 0 });
    const alerts = (await eventsOf(call)).filter(
      ({ type, data }) => type.startsWith('alert.') && (data as { scope: string }).scope === 'profile',
    );
    expect(alerts.map(({ type, data }) => [type, (data as { code: string }).code])).toEqual([
      ['alert.raised', 'connectFailed'],
      ['alert.cleared', 'connectFailed'],
    ]);
  });
});
