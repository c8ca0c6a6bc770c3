import { ListSchedulesCommand, SchedulerClient } from '@aws-sdk/client-scheduler';
import { GetQueueAttributesCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createLaneTimers } from '../../../functions/common/create-lane-timers.ts';
import { runBulkStep } from '../../../shared/mailbox/bulk.ts';
import { operationKind } from '../../../shared/operation/operation.ts';
import { operationMessage } from '../../../shared/operation/operation-message.ts';
import type { MailUser } from '../../support/mail-servers.ts';
import { findMailUser } from '../../support/mailbox-client.ts';
import { walkPages } from '../api-harness.ts';
import type { ApiCall, TestOrganization } from '../role-calls.ts';
import { createProfile, createUserMailbox, type MailboxWorld, startMailboxWorld } from './mailbox-world.ts';

let world: MailboxWorld;
let organization: TestOrganization;
let call: ApiCall;
let serverProfileId: string;
let users: readonly MailUser[];

beforeAll(async () => {
  world = await startMailboxWorld();
  users = [1, 2, 3].map((number) => findMailUser(world.mail, `user${number}@example.test`));
});

afterAll(async () => {
  await world?.stop();
});

beforeEach(async () => {
  organization = await world.api.createOrganization();
  call = organization.as('admin');
  serverProfileId = await createProfile(organization, world.mail);
});

/** Mailboxes of the mail users, approved and ready to be tested, oldest first. */
const createMailboxes = async (): Promise<readonly string[]> => {
  const ids: string[] = [];
  for (const [index, mailUser] of users.entries())
    ids.push(
      (await createUserMailbox(organization, { externalId: `u-${index}`, mailUser, serverProfileId })).mailboxId,
    );
  return ids;
};
const bulk = (body: object) => call('POST', '/mailboxes/bulk', body);
const itemsOf = async (operationId: string) => {
  const client = (method: string, path: string) => call(method, path.replace('/v1', ''));
  const items = await walkPages(client, `/v1/operations/${operationId}/items`);
  return items as unknown as readonly {
    readonly number: number;
    readonly subject: { readonly id: string };
    readonly status: string;
    readonly operationId?: string;
    readonly fault?: { readonly code: string };
    readonly result?: Readonly<Record<string, unknown>>;
  }[];
};
/** Starts bulk work, has it done, and tells how each item ended, in order. */
const runBulk = async (body: object) => {
  const started = await bulk(body);
  expect(started).toMatchObject({ status: 202, body: { kind: 'bulkMailboxes', status: 'queued' } });
  const operation = await world.finish(call, started.body.id);
  const items = await itemsOf(operation.id);
  return { operation, items, outcomes: items.map(({ subject, status, fault }) => [subject.id, fault?.code ?? status]) };
};
/** How many messages a queue holds, those in flight included. */
const waitingInQueue = async (QueueUrl: string): Promise<number> => {
  const names = ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible'] as const;
  const command = new GetQueueAttributesCommand({ QueueUrl, AttributeNames: [...names] });
  const { Attributes } = await new SQSClient({}).send(command);
  return names.reduce((sum, name) => sum + Number(Attributes?.[name]), 0);
};
const readMailbox = async (mailboxId: string) => (await call('GET', `/mailboxes/${mailboxId}`)).body;

describe('bulk work', () => {
  it('tests and enables the mailboxes of a profile, each with its own outcome', async () => {
    const [one, two, three] = await createMailboxes();
    await call('PATCH', `/mailboxes/${two}`, { credentials: { password: 'wr0ng-word' } });
    await call('POST', `/mailboxes/${three}/reject`);

    const { operation, items } = await runBulk({
      select: { serverProfileId },
      action: 'testAndEnable',
      arguments: { workloads: ['incoming'], sendTestMessage: false },
    });

    expect(operation).toMatchObject({
      status: 'succeeded',
      progress: { done: 3, total: 3 },
      result: { succeeded: 2, failed: 1 },
    });
    const byId = new Map(items.map((item) => [item.subject.id, item]));
    expect(byId.get(one ?? '')).toMatchObject({
      status: 'succeeded',
      operationId: expect.stringMatching(/^opn_/),
      result: { workloads: { incoming: { status: 'success', enabled: true } } },
    });
    expect(byId.get(two ?? '')).toMatchObject({
      status: 'succeeded',
      result: { workloads: { incoming: { status: 'failure', fault: { code: 'authenticationFailed' } } } },
    });
    expect(byId.get(three ?? '')).toMatchObject({ status: 'failed', fault: { code: 'approvalRequired' } });
    expect((await readMailbox(one ?? '')).workloads.incoming.state).toBe('enabled');
  });

  it('does queues before users', async () => {
    const ids = await createMailboxes();
    const queue = (await call('PUT', '/queues/ext:q-1', { name: 'Sales', emailAddress: 'sales@example.test' })).body;

    const { outcomes, operation } = await runBulk({
      select: { mailboxIds: [...ids, queue.mailboxId] },
      action: 'approve',
    });

    expect(outcomes).toEqual([queue.mailboxId, ...ids].map((id) => [id, 'succeeded']));
    expect(operation.result).toEqual({ succeeded: 4 });
    expect((await readMailbox(queue.mailboxId)).approval.status).toBe('approved');
  });

  it('enables, disables and synchronizes, each item by itself', async () => {
    const ids = await createMailboxes();
    const [one, two, three] = ids;
    const select = { mailboxIds: ids };
    const incoming = { workloads: ['incoming'] };
    await runBulk({
      select: { mailboxIds: [one] },
      action: 'testAndEnable',
      arguments: { ...incoming, sendTestMessage: false },
    });
    await world.runIncoming();

    const synchronizing = await bulk({ select, action: 'sync' });
    while ((await itemsOf(synchronizing.body.id))[0]?.operationId === undefined) await world.runOperations();
    await world.runIncoming();
    const synchronized = await world.finish(call, synchronizing.body.id);
    const disabled = await runBulk({
      select: { workload: 'incoming', state: 'enabled' },
      action: 'disable',
      arguments: incoming,
    });
    const enabled = await runBulk({ select, action: 'enable', arguments: incoming });

    expect(synchronized.result).toEqual({ succeeded: 1, failed: 2 });
    expect(disabled.outcomes).toEqual([[one, 'succeeded']]);
    expect(enabled.outcomes).toEqual([
      [one, 'succeeded'],
      [two, 'testRequired'],
      [three, 'testRequired'],
    ]);
  });

  it('moves mailboxes to a profile, and to the defaults of the organization', async () => {
    const [one, two] = await createMailboxes();
    const another = await createProfile(organization, world.mail);

    const moved = await runBulk({
      select: { mailboxIds: [one] },
      action: 'setProfile',
      arguments: { serverProfileId: another },
    });
    const unknown = await runBulk({
      select: { mailboxIds: [one] },
      action: 'setProfile',
      arguments: { serverProfileId: `prf_${'0'.repeat(26)}` },
    });
    const movedTo = (await readMailbox(one ?? '')).serverProfileId;
    await call('PATCH', '/settings', {
      newMailboxes: { serverProfileId: another, outgoing: 'none', incoming: 'serverSideSync' },
    });
    await runBulk({ select: { mailboxIds: [two] }, action: 'applyDefaults' });

    expect(moved.outcomes).toEqual([[one, 'succeeded']]);
    expect(unknown.outcomes).toEqual([[one, 'invalidRequest']]);
    expect(movedTo).toBe(another);
    expect(await readMailbox(two ?? '')).toMatchObject({
      serverProfileId: another,
      workloads: { incoming: { state: 'notTested' }, outgoing: { state: 'off' } },
    });
  });

  it('tells with dryRun what would become of each, and changes nothing', async () => {
    const [one, two] = await createMailboxes();
    await call('POST', `/mailboxes/${two}/reject`);
    const before = [await readMailbox(one ?? ''), await readMailbox(two ?? '')];

    const { outcomes, operation } = await runBulk({
      select: { mailboxIds: [one, two] },
      action: 'testAndEnable',
      dryRun: true,
    });

    expect(outcomes).toEqual([
      [one, 'skipped'],
      [two, 'approvalRequired'],
    ]);
    expect(operation.result).toEqual({ skipped: 1, failed: 1 });
    expect([await readMailbox(one ?? ''), await readMailbox(two ?? '')]).toEqual(before);
  });

  it('says of ids that name no mailbox of the organization that there is none', async () => {
    const [one] = await createMailboxes();
    const other = await world.api.createOrganization();
    const foreign = (await other.as('admin')('PUT', '/users/ext:u-0', { fullName: 'Else' })).body.mailboxId;
    const unknown = `mbx_${'0'.repeat(26)}`;

    const { outcomes } = await runBulk({
      select: { mailboxIds: [one, foreign, unknown] },
      action: 'disable',
      arguments: { workloads: ['incoming'] },
    });

    expect(outcomes).toEqual([
      [one, 'succeeded'],
      [foreign, 'notFound'],
      [unknown, 'notFound'],
    ]);
  });

  it('ends at once when nothing fits', async () => {
    const { operation, items } = await runBulk({ select: { kind: 'queue' }, action: 'approve' });

    expect(operation).toMatchObject({ status: 'succeeded', progress: { done: 0, total: 0 } });
    expect(items).toEqual([]);
  });

  it('keeps to the pace that it is given', async () => {
    const ids = await createMailboxes();
    const begun = Date.now();

    const { operation } = await runBulk({
      select: { mailboxIds: ids },
      action: 'approve',
      pace: { count: 1, perSeconds: 1 },
    });

    expect(operation.result).toEqual({ succeeded: 3 });
    expect(Date.now() - begun).toBeGreaterThanOrEqual(2_000);
  });

  it('rests by a timer where the pace asks for a long wait, and keeps the pace whatever wakes it', async () => {
    const ids = await createMailboxes();
    const { body } = await bulk({
      select: { mailboxIds: ids },
      action: 'approve',
      pace: { count: 2, perSeconds: 600 },
    });
    const { services } = world.api;
    const readOperation = async () => (await call('GET', `/operations/${body.id}`)).body;
    const timersOf = async () =>
      (await new SchedulerClient({}).send(new ListSchedulesCommand({ NamePrefix: body.id }))).Schedules ?? [];

    while ((await world.runOperations()) > 0);
    const resting = await readOperation();
    const waiting = await waitingInQueue(process.env['OPERATIONS_QUEUE_URL'] ?? '');
    const timers = await timersOf();
    // As the watchdog does, or a message that comes twice.
    const early = operationMessage(organization.id, body.id, body.id, 'early');
    await services.queues.send('operations', body.id, `${body.id}.early`, early);
    while ((await world.runOperations()) > 0);
    const woken = await readOperation();
    const timersThen = await timersOf();
    const operation = await services.store.get(operationKind, organization.id, body.id);
    if (operation === undefined) throw new Error('The operation is gone');
    const now = () => new Date(Date.now() + 600_000);
    const delivery = { receiveCount: 1, remainingMilliseconds: 60_000 };
    const verdict = await runBulkStep(
      { ...services, timers: createLaneTimers(), now },
      organization.id,
      operation,
      delivery,
    );

    expect(resting).toMatchObject({ status: 'running', progress: { done: 2, total: 3 } });
    expect(waiting).toBe(0);
    expect(timers).toHaveLength(1);
    expect(woken).toMatchObject({ status: 'running', progress: { done: 2, total: 3 } });
    expect(timersThen.map(({ Name }) => Name)).toEqual(timers.map(({ Name }) => Name));
    expect(verdict).toEqual({ done: true });
    expect(await readOperation()).toMatchObject({ status: 'succeeded', result: { succeeded: 3 } });
  });

  it('stops when it is cancelled, and goes on behind what is done when its message comes again', async () => {
    const ids = await createMailboxes();
    const pace = { count: 1, perSeconds: 600 };
    const { body } = await bulk({ select: { mailboxIds: ids }, action: 'approve', pace });
    const { services } = world.api;
    while ((await world.runOperations()) > 0);
    const underWay = await services.store.get(operationKind, organization.id, body.id);
    if (underWay === undefined) throw new Error('The operation is gone');

    await call('POST', `/operations/${body.id}/cancel`);
    // A step that had begun when it was cancelled, and comes to the next item when the pace allows it.
    const later = { ...services, timers: createLaneTimers(), now: () => new Date(Date.now() + 600_000) };
    const delivery = { receiveCount: 1, remainingMilliseconds: 60_000 };
    const verdict = await runBulkStep(later, organization.id, underWay, delivery);
    const again = operationMessage(organization.id, body.id, body.id, 'again');
    await services.queues.send('operations', body.id, `${body.id}.again`, again);
    while ((await world.runOperations()) > 0);

    const items = await itemsOf(body.id);
    expect(verdict).toEqual({ done: true });
    expect(items.map(({ status }) => status)).toEqual(['succeeded', 'queued', 'queued']);
    expect((await call('GET', `/operations/${body.id}`)).body.status).toBe('cancelled');
  });

  it('is refused without criteria, without its arguments, and with wrong ones', async () => {
    for (const [body, pointer] of [
      [{ select: {}, action: 'approve' }, '#/select'],
      [{ select: { kind: 'user' }, action: 'explode' }, '#/action'],
      [{ select: { kind: 'user' }, action: 'enable' }, '#/arguments'],
      [{ select: { kind: 'user' }, action: 'approve', arguments: { force: true } }, '#/arguments/force'],
      [{ select: { colour: 'red' }, action: 'approve' }, '#/select/colour'],
      [{ select: { kind: 'user' }, action: 'approve', pace: { count: 0, perSeconds: 1 } }, '#/pace/count'],
    ] as const) {
      const { status, body: problem } = await bulk(body);
      expect([status, problem.errors[0].pointer]).toEqual([400, pointer]);
    }
  });
});

describe('while the organization is suspended', () => {
  const suspend = () =>
    world.api.operator('POST', `/v1/organizations/${organization.id}/suspend`, { body: { reason: 'unpaid' } });
  const resume = () => world.api.operator('POST', `/v1/organizations/${organization.id}/resume`);
  /** What the workloads of the mailboxes are. */
  const states = async (ids: readonly string[]) =>
    Promise.all(ids.map(async (id) => (await readMailbox(id)).workloads.incoming.state));

  it('no test that was asked for before reaches a mail server, and bulk work waits and goes on afterwards', async () => {
    const [first = '', ...others] = await createMailboxes();
    const test = await call('POST', `/mailboxes/${first}/test-and-enable`, {});
    const work = await bulk({ select: { mailboxIds: others }, action: 'testAndEnable' });
    await suspend();

    while ((await world.runOperations()) > 0);
    const refused = (await call('GET', `/operations/${test.body.id}`)).body;
    const waiting = (await call('GET', `/operations/${work.body.id}`)).body;
    const meanwhile = await states([first, ...others]);
    await resume();
    const { queues } = world.api.services;
    const { id } = work.body;
    // A timer brings its next message in five minutes.
    await queues.send('operations', `${id}.anew`, `${id}.anew`, operationMessage(organization.id, id, id, 'anew'));
    const done = await world.finish(call, id);

    expect(refused).toMatchObject({ status: 'failed', fault: { code: 'organizationSuspended' } });
    expect(waiting).toMatchObject({ status: 'running', progress: { done: 0 } });
    expect(meanwhile).toEqual(['notTested', 'notTested', 'notTested']);
    expect(done).toMatchObject({ status: 'succeeded' });
    expect(await states(others)).toEqual(['enabled', 'enabled']);
  });
});
