import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { FeedEvent } from '../../../shared/feed/feed-event.ts';
import type { MailUser } from '../../support/mail-servers.ts';
import { findMailUser } from '../../support/mailbox-client.ts';
import { createEventReader } from '../read-events.ts';
import type { ApiCall, TestOrganization } from '../role-calls.ts';
import {
  createProfile,
  createUserMailbox,
  type MailboxWorld,
  startMailboxWorld,
  testMailbox,
} from './mailbox-world.ts';

let world: MailboxWorld;
let eventsOf: (call: ApiCall) => Promise<readonly FeedEvent[]>;
let organization: TestOrganization;
let call: ApiCall;
let anna: MailUser;

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

const createAnna = async () => {
  const serverProfileId = await createProfile(organization, world.mail);
  const setup = { externalId: 'u-17', mailUser: anna, serverProfileId };
  return { ...(await createUserMailbox(organization, setup)), serverProfileId };
};
const enabledAnna = async () => {
  const created = await createAnna();
  await testMailbox(world, organization, created.mailboxId, { sendTestMessage: false });
  return created;
};
const readMailbox = async (mailboxId: string) => (await call('GET', `/mailboxes/${mailboxId}`)).body;
const statesOf = async (mailboxId: string) => {
  const { incoming, outgoing } = (await readMailbox(mailboxId)).workloads;
  return [incoming.state, outgoing.state];
};
const cycleOf = (mailboxId: string, workload: string) =>
  world.api.cycleItem(`${organization.id}#${mailboxId}`, workload);
const act = (mailboxId: string, action: string, body: object = {}) =>
  call('POST', `/mailboxes/${mailboxId}/${action}`, body);
const refusal = async (answer: ReturnType<typeof act>) => {
  const { status, body } = await answer;
  return [status, body.code];
};
const both = { workloads: ['incoming', 'outgoing'] };

describe('approval', () => {
  it('names who approved and when, and is told once', async () => {
    const { mailboxId } = await createAnna();
    await call('PATCH', `/mailboxes/${mailboxId}`, { emailAddress: 'anna.new@contoso.example' });
    const pending = await readMailbox(mailboxId);

    const approved = await act(mailboxId, 'approve');
    const again = await act(mailboxId, 'approve');

    expect(pending.approval).toEqual({ status: 'pending', by: null, at: null });
    expect(approved.body.approval).toEqual({
      status: 'approved',
      by: expect.stringMatching(/^key_/),
      at: expect.any(String),
    });
    expect(again.body).toEqual(approved.body);
  });

  it('needs an address', async () => {
    const { mailboxId } = (await call('PUT', '/users/ext:u-1', { fullName: 'Nobody' })).body;

    expect((await readMailbox(mailboxId)).approval.status).toBe('empty');
    expect(await refusal(act(mailboxId, 'approve'))).toEqual([409, 'invalidState']);
  });

  it('is asked for before a test, unless the settings say otherwise', async () => {
    const { mailboxId } = await createAnna();
    await act(mailboxId, 'reject');

    expect(await refusal(act(mailboxId, 'test-and-enable'))).toEqual([409, 'approvalRequired']);
    await call('PATCH', '/settings', { approval: { requireForUsers: false } });
    expect((await act(mailboxId, 'test-and-enable')).status).toBe(202);
  });

  it('taken back disables what runs', async () => {
    const { mailboxId } = await enabledAnna();

    const { body } = await act(mailboxId, 'reject');

    expect(body).toMatchObject({
      approval: { status: 'rejected' },
      workloads: { incoming: { state: 'disabled', disabledBy: 'admin' }, outgoing: { state: 'disabled' } },
    });
    expect(await cycleOf(mailboxId, 'incoming')).toMatchObject({ enabled: false });
    expect(await refusal(act(mailboxId, 'enable', both))).toEqual([409, 'approvalRequired']);
  });
});

describe('workloads', () => {
  it('are disabled and enabled again, each by itself, while their test stands', async () => {
    const { mailboxId } = await enabledAnna();

    const disabled = await act(mailboxId, 'disable', { workloads: ['incoming'] });
    const resting = await cycleOf(mailboxId, 'incoming');
    const enabled = await act(mailboxId, 'enable', { workloads: ['incoming'] });
    const again = await act(mailboxId, 'enable', { workloads: ['incoming'] });

    expect(disabled.body.workloads).toMatchObject({
      incoming: { state: 'disabled', disabledBy: 'admin' },
      outgoing: { state: 'enabled' },
    });
    expect(resting).toMatchObject({ enabled: false, due: null });
    expect(enabled.body.workloads.incoming).toMatchObject({ state: 'enabled', disabledBy: null });
    expect(await cycleOf(mailboxId, 'incoming')).toMatchObject({ enabled: true });
    expect(again.body.version).toBe(enabled.body.version);
  });

  it('are asked for their test before anything else that enabling them needs', async () => {
    const { mailboxId } = (await call('PUT', '/users/ext:u-1', { fullName: 'Nobody' })).body;
    await call('PATCH', `/mailboxes/${mailboxId}`, { workloads: { incoming: { method: 'serverSideSync' } } });

    expect((await readMailbox(mailboxId)).approval.status).toBe('empty');
    expect(await refusal(act(mailboxId, 'enable', { workloads: ['incoming'] }))).toEqual([409, 'testRequired']);
  });

  it('are not enabled without a test, nor when they are off', async () => {
    const { mailboxId } = await createAnna();

    expect(await refusal(act(mailboxId, 'enable', both))).toEqual([409, 'testRequired']);
    await call('PATCH', `/mailboxes/${mailboxId}`, { workloads: { outgoing: { method: 'none' } } });
    expect(await refusal(act(mailboxId, 'enable', { workloads: ['outgoing'] }))).toEqual([409, 'invalidState']);
    expect(await refusal(act(mailboxId, 'enable', { workloads: ['act'] }))).toEqual([409, 'notSupported']);
    expect(await refusal(act(mailboxId, 'test-and-enable', { workloads: ['outgoing'] }))).toEqual([
      409,
      'invalidState',
    ]);
    expect(await refusal(act(mailboxId, 'enable'))).toEqual([400, 'invalidRequest']);
  });

  it('need another test when address, profile, login or method change, not when the password does', async () => {
    const { mailboxId, serverProfileId } = await enabledAnna();
    const path = `/mailboxes/${mailboxId}`;
    const another = await createProfile(organization, world.mail);

    await call('PATCH', path, { credentials: { password: anna.password } });
    expect(await statesOf(mailboxId)).toEqual(['enabled', 'enabled']);
    await call('PATCH', path, { credentials: { password: 'an0ther-word' } });
    expect(await statesOf(mailboxId)).toEqual(['enabled', 'enabled']);
    await call('PATCH', path, { credentials: { username: null, password: anna.password } });
    expect(await statesOf(mailboxId)).toEqual(['enabled', 'enabled']);

    for (const [patch, expected] of [
      [{ workloads: { outgoing: { method: 'none' } } }, ['enabled', 'off']],
      [{ workloads: { outgoing: { method: 'serverSideSync' } } }, ['enabled', 'notTested']],
      [{ credentials: { username: 'anna.b@contoso.example' } }, ['notTested', 'notTested']],
      [{ credentials: { username: anna.username } }, ['notTested', 'notTested']],
    ] as const) {
      await call('PATCH', path, patch);
      expect(await statesOf(mailboxId)).toEqual(expected);
    }
    expect(await cycleOf(mailboxId, 'incoming')).toMatchObject({ enabled: false });

    for (const patch of [
      { serverProfileId: another },
      { serverProfileId },
      { emailAddress: 'anna2@contoso.example' },
    ]) {
      await act(mailboxId, 'approve');
      await call('PATCH', path, { emailAddress: anna.address });
      await act(mailboxId, 'approve');
      await testMailbox(world, organization, mailboxId, { sendTestMessage: false });
      expect(await statesOf(mailboxId)).toEqual(['enabled', 'enabled']);
      await call('PATCH', path, patch);
      expect(await statesOf(mailboxId)).toEqual(['notTested', 'notTested']);
      expect(await refusal(act(mailboxId, 'enable', both))).toContain(409);
    }
  });

  it('are tested once at a time; the second request and enabling wait for the first', async () => {
    const { mailboxId } = await createAnna();

    const first = await act(mailboxId, 'test-and-enable');

    expect(await refusal(act(mailboxId, 'test-and-enable'))).toEqual([409, 'testRunning']);
    expect(await refusal(act(mailboxId, 'enable', both))).toEqual([409, 'testRunning']);
    await world.finish(call, first.body.id);
    expect((await act(mailboxId, 'test-and-enable')).status).toBe(202);
  });

  it('are what they were before when their test is cancelled', async () => {
    const { mailboxId } = await enabledAnna();
    await act(mailboxId, 'disable', { workloads: ['outgoing'] });
    const { body } = await act(mailboxId, 'test-and-enable');
    expect(await statesOf(mailboxId)).toEqual(['testing', 'testing']);

    await call('POST', `/operations/${body.id}/cancel`);
    await world.runOperations();
    const cancelled = await statesOf(mailboxId);
    const next = await act(mailboxId, 'test-and-enable', { workloads: ['outgoing'], sendTestMessage: false });
    await world.finish(call, next.body.id);

    expect(cancelled).toEqual(['enabled', 'disabled']);
    expect(await cycleOf(mailboxId, 'incoming')).toMatchObject({ enabled: true });
    expect(await statesOf(mailboxId)).toEqual(['enabled', 'enabled']);
  });

  it('are told of by events and by alerts that clear themselves', async () => {
    const { mailboxId } = await createAnna();
    await call('PATCH', `/mailboxes/${mailboxId}`, { credentials: { password: 'wr0ng-word' } });
    await testMailbox(world, organization, mailboxId, { workloads: ['incoming'] });
    await call('PATCH', `/mailboxes/${mailboxId}`, { credentials: { password: anna.password } });
    await testMailbox(world, organization, mailboxId, { workloads: ['incoming'], sendTestMessage: false });

    const events = await eventsOf(call);

    const incoming = (event: FeedEvent) =>
      (event.data as { workloads: { incoming: { state: string } } }).workloads.incoming.state;
    expect(events.filter(({ type }) => type === 'mailbox.stateChanged').map(incoming)).toEqual([
      'notTested',
      'notTested',
      'testing',
      'notTested',
      'testing',
      'enabled',
    ]);
    expect(events.filter(({ type }) => type === 'operation.finished')).toHaveLength(2);
    expect(events.filter(({ type }) => type === 'alert.raised').at(-1)?.data).toMatchObject({
      code: 'synchronizationEnabled',
      level: 'information',
      mailboxId,
    });
    expect(JSON.stringify([events, world.log, world.api.log])).not.toContain(anna.password);
    expect(JSON.stringify([events, world.log, world.api.log])).not.toContain('wr0ng-word');
  });
});

describe('an inactive user', () => {
  it('has all workloads off at once; active again they may be enabled', async () => {
    const { userId, mailboxId } = await enabledAnna();

    await call('PATCH', `/users/${userId}`, { status: 'inactive' });

    expect((await readMailbox(mailboxId)).workloads).toMatchObject({
      incoming: { state: 'disabled', disabledBy: 'ownerInactive' },
      outgoing: { state: 'disabled', disabledBy: 'ownerInactive' },
    });
    for (const workload of ['incoming', 'outgoing'])
      expect(await cycleOf(mailboxId, workload)).toMatchObject({ enabled: false, due: null });
    for (const [action, body] of [
      ['test-and-enable', {}],
      ['enable', both],
      ['sync', {}],
    ] as const)
      expect(await refusal(act(mailboxId, action, body))).toEqual([409, 'ownerInactive']);
    await call('PATCH', `/users/${userId}`, { status: 'active' });
    expect((await act(mailboxId, 'enable', both)).body.workloads.incoming.state).toBe('enabled');
  });

  it('ends a test that runs', async () => {
    const { userId, mailboxId } = await createAnna();
    const { body } = await act(mailboxId, 'test-and-enable', { sendTestMessage: false });

    await call('PATCH', `/users/${userId}`, { status: 'inactive' });
    const operation = await world.finish(call, body.id);

    expect(operation.result.workloads.incoming).toMatchObject({ status: 'success', enabled: false });
    expect(await statesOf(mailboxId)).toEqual(['disabled', 'disabled']);
    expect(await cycleOf(mailboxId, 'incoming')).toBeUndefined();
  });
});

describe('email by the Email Router', () => {
  it('lets nothing be started here', async () => {
    const { mailboxId } = await enabledAnna();
    await call('PATCH', '/settings', { processing: { channel: 'emailRouter' } });

    for (const [action, body] of [
      ['test-and-enable', {}],
      ['enable', both],
      ['sync', {}],
    ] as const)
      expect(await refusal(act(mailboxId, action, body))).toEqual([409, 'channelIsEmailRouter']);
    expect((await act(mailboxId, 'disable', both)).status).toBe(200);
  });
});

describe('a mailbox that is not complete', () => {
  it('is not tested before it has an address and an active profile', async () => {
    const { mailboxId, serverProfileId } = await createAnna();
    const path = `/mailboxes/${mailboxId}`;

    await call('PATCH', `/server-profiles/${serverProfileId}`, { status: 'inactive' });
    expect(await refusal(act(mailboxId, 'test-and-enable'))).toEqual([409, 'invalidState']);
    await call('PATCH', path, { serverProfileId: null });
    expect(await refusal(act(mailboxId, 'test-and-enable'))).toEqual([409, 'invalidState']);
    await call('PATCH', path, {
      serverProfileId,
      workloads: { incoming: { method: 'none' }, outgoing: { method: 'client' } },
    });
    await call('PATCH', `/server-profiles/${serverProfileId}`, { status: 'active' });
    expect(await refusal(act(mailboxId, 'test-and-enable'))).toEqual([409, 'invalidState']);
  });
});
