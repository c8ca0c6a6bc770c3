import { DeleteScheduleCommand, SchedulerClient } from '@aws-sdk/client-scheduler';
import { PurgeQueueCommand, SQSClient } from '@aws-sdk/client-sqs';
import { PutCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import type { Context } from 'aws-lambda';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { consumeStream, createStreamConsumer } from '../../shared/feed/consume-stream.ts';
import { noteStreamRead } from '../../shared/feed/feed-epoch.ts';
import { mailboxKind } from '../../shared/mailbox/mailbox.ts';
import { createOperation } from '../../shared/operation/create-operation.ts';
import { createDocumentClient } from '../../shared/platform/aws-clients.ts';
import { createIdentifier } from '../../shared/platform/identifier.ts';
import { emptyThrottleItem, profileThrottleKey } from '../../shared/throttle/throttle-item.ts';
import { storeServerProfile } from '../support/synchronized-mailbox.ts';
import { createStreamReader } from './read-stream.ts';
import { startTestApi, type TestApi, type TestOrganization } from './role-calls.ts';

let api: TestApi;
let organization: TestOrganization;
let mailboxId: string;
let watchdog: () => Promise<{
  resent: number;
  rebuilt: number;
  timedOut: number;
  feedSilenceSeconds: number;
  connectionDemand: number;
  latenessSeconds: { incoming: number };
}>;

beforeAll(async () => {
  api = await startTestApi();
  process.env['POWERTOOLS_LOG_LEVEL'] = 'SILENT';
  process.env['POWERTOOLS_METRICS_DISABLED'] = 'true';
  const { handler } = await import('../../functions/watchdog/handler.ts');
  watchdog = () => handler({}, {} as Context) as ReturnType<typeof watchdog>;
});

afterAll(async () => {
  await api?.stop();
});

beforeEach(async () => {
  organization = await api.createOrganization();
  mailboxId = createIdentifier('mbx', Date.now());
  await api.services.cycles.enable(organization.id, mailboxId, 'incoming', 'prf_1');
  await api.receive('incoming');
});

afterEach(() => vi.useRealTimers());
afterEach(() => api.services.cycles.disable(organization.id, mailboxId, 'incoming'));

const hours = 3_600_000;
const periodMilliseconds = 60_000;
const endpoint = { host: '127.0.0.1', port: 1, security: 'tls' } as const;

/** As it stands when whatever should have started the cycle was lost long ago. */
const overdue = (by: number) =>
  createDocumentClient().send(
    new UpdateCommand({
      TableName: api.cyclesTable,
      Key: { pk: `${organization.id}#${mailboxId}`, sk: 'incoming' },
      UpdateExpression: 'SET due = :due',
      ExpressionAttributeValues: { ':due': Date.now() - by },
    }),
  );

describe('the watchdog', () => {
  it('tells how many connections the busiest server needs of those that it has, and forgets old figures', async () => {
    const putCounter = (serverProfileId: string, heldSince: number, demand: number) =>
      createDocumentClient().send(
        new PutCommand({
          TableName: api.cyclesTable,
          Item: {
            ...profileThrottleKey(organization.id, serverProfileId, 0),
            ...emptyThrottleItem(),
            heldSince,
            demand,
          },
        }),
      );
    await putCounter('prf_quiet', Date.now(), 0.4);
    await putCounter('prf_busy', Date.now(), 1.7);
    await putCounter('prf_gone', Date.now() - 2 * hours, 5);

    const { connectionDemand } = await watchdog();

    expect(connectionDemand).toBe(1.7);
  });

  it('starts a cycle again that should have run and did not, once a period', async () => {
    await overdue(1 * hours);
    // The clock stands, or a period could end in between.
    vi.useFakeTimers({ toFake: ['Date'] });

    const findings = await watchdog();
    await watchdog();
    const inOnePeriod = await api.receive('incoming');
    vi.setSystemTime(Date.now() + periodMilliseconds);
    await watchdog();

    expect(findings.resent).toBe(1);
    expect(findings.latenessSeconds.incoming).toBeGreaterThan(3_500);
    for (const received of [inOnePeriod, await api.receive('incoming')])
      expect(received).toMatchObject([{ mailboxId, generation: 1, reason: 'watchdog' }]);
  });

  it('leaves alone who waits for a turn at the server, and tells that it is late', async () => {
    await overdue(1 * hours);
    await createDocumentClient().send(
      new UpdateCommand({
        TableName: api.cyclesTable,
        Key: { pk: `${organization.id}#${mailboxId}`, sk: 'incoming' },
        UpdateExpression: 'SET waitsUntil = :until',
        ExpressionAttributeValues: { ':until': Date.now() + 60_000 },
      }),
    );

    const findings = await watchdog();

    expect(findings.resent).toBe(0);
    expect(findings.latenessSeconds.incoming).toBeGreaterThan(3_500);
  });

  it('leaves alone what is only a little late, disabled, suspended, or moved by the Email Router', async () => {
    await overdue(60_000);
    await watchdog();
    const slightlyLate = await api.receive('incoming');
    await overdue(1 * hours);
    await organization.as('admin')('PATCH', '/settings', { processing: { channel: 'emailRouter' } });
    await watchdog();
    const routed = await api.receive('incoming');
    await api.operator('POST', `/v1/organizations/${organization.id}/suspend`, { body: { reason: 'unpaid' } });
    await watchdog();
    const suspended = await api.receive('incoming');
    await api.services.cycles.disable(organization.id, mailboxId, 'incoming');
    await watchdog();

    expect([slightlyLate, routed, suspended, await api.receive('incoming')]).toEqual([[], [], [], []]);
  });

  it('ends operations past their limit, and sends on those whose message was lost', async () => {
    const { services } = api;
    const at = (ahead: number) => ({ ...services, now: () => new Date(Date.now() + ahead) });
    const request = (deadlineSeconds: number) => ({
      organizationId: organization.id,
      kind: 'synchronize' as const,
      subject: { type: 'mailbox', id: mailboxId },
      mailboxGroup: mailboxId,
      input: { workloads: ['incoming'] },
      deadlineSeconds,
    });
    const late = await createOperation(at(-2 * hours), request(3_600));
    const lost = await createOperation(at(-1 * hours), request(86_400));
    await new SQSClient({}).send(new PurgeQueueCommand({ QueueUrl: process.env['OPERATIONS_QUEUE_URL'] }));

    const findings = await watchdog();

    expect(findings).toMatchObject({ timedOut: 1, resent: 1 });
    const call = organization.as('reader');
    expect((await call('GET', `/operations/${late.id}`)).body).toMatchObject({
      status: 'failed',
      fault: { code: 'timedOut' },
    });
    expect((await call('GET', `/operations/${lost.id}`)).body.status).toBe('queued');
    expect(await api.receive('operations')).toMatchObject([{ operationId: lost.id }]);
  });

  it('rebuilds a cycle whose item cannot be read, and tells', async () => {
    const { body } = await organization.as('admin')('POST', '/users', { fullName: 'Anna' });
    await api.services.store.update(
      mailboxKind,
      organization.id,
      body.mailboxId,
      (mailbox) => ({
        next: {
          ...mailbox,
          serverProfileId: 'prf_1',
          workloads: { ...mailbox.workloads, incoming: { ...mailbox.workloads.incoming, state: 'enabled' as const } },
        },
      }),
      api.services,
    );
    await createDocumentClient().send(
      new PutCommand({
        TableName: api.cyclesTable,
        Item: { pk: `${organization.id}#${body.mailboxId}`, sk: 'incoming', generation: 'seven' },
      }),
    );

    const schedule = await organization.as('admin')('GET', `/mailboxes/${body.mailboxId}/schedule`);
    const findings = await watchdog();
    const again = await watchdog();

    expect([findings.rebuilt, again.rebuilt]).toEqual([1, 0]);
    expect(schedule).toMatchObject({ status: 200, body: { health: 'late' } });
    expect(await api.cycleItem(`${organization.id}#${body.mailboxId}`, 'incoming')).toMatchObject({ enabled: true });
    const alerts = await organization.as('admin')('GET', `/alerts?mailboxId=${body.mailboxId}`);
    expect(alerts.body.data).toMatchObject([{ code: 'cycleRebuilt', whoActs: 'operator' }]);
    expect(await api.receive('incoming')).toMatchObject([{ mailboxId: body.mailboxId, reason: 'enable' }]);
  });

  it('leaves a cycle as it stands that a later release wrote, and fails so that an operator is told', async () => {
    const Key = { pk: `${organization.id}#${mailboxId}`, sk: 'incoming' };
    const write = (v: number) =>
      createDocumentClient().send(
        new UpdateCommand({
          TableName: api.cyclesTable,
          Key,
          UpdateExpression: 'SET v = :v',
          ExpressionAttributeValues: { ':v': v },
        }),
      );
    await write(2);

    await expect(watchdog()).rejects.toThrow('could not be looked after');

    expect(await api.cycleItem(Key.pk, Key.sk)).toMatchObject({ v: 2, generation: 1 });
    await write(1);
  });

  it('tells administrators, and an owner who wants it, when most mailboxes of a profile fail, until they do not', async () => {
    const { services } = api;
    const call = organization.as('admin');
    const anna = (await call('POST', '/users', { fullName: 'Anna' })).body;
    const profile = await storeServerProfile(
      services,
      organization.id,
      { imap: endpoint, submission: endpoint, caCertificate: '' },
      { caCertificates: null, ownerId: anna.id, alertOwnerOnOutage: true },
    );
    const mailboxes = [1, 2, 3].map(() => createIdentifier('mbx', Date.now()));
    const ranAs = (mailbox: string, consecutiveFailures: number, ago = 60_000) =>
      createDocumentClient().send(
        new UpdateCommand({
          TableName: api.cyclesTable,
          Key: { pk: `${organization.id}#${mailbox}`, sk: 'incoming' },
          UpdateExpression:
            'SET consecutiveFailures = :failures, lastCompletedAt = :at, lastSuccessAt = :success, due = :due',
          ExpressionAttributeValues: {
            ':failures': consecutiveFailures,
            ':at': Date.now() - ago,
            ':success': consecutiveFailures === 0 ? Date.now() - ago : 1,
            ':due': Date.now() + hours,
          },
        }),
      );
    const openAlerts = async () => (await call('GET', '/alerts?scope=profile&status=open')).body.data;
    for (const mailbox of mailboxes) {
      await services.cycles.enable(organization.id, mailbox, 'incoming', profile.id);
      await ranAs(mailbox, 0);
    }
    await ranAs(mailboxes[0] ?? '', 2);
    await ranAs(mailboxes[1] ?? '', 2, 2 * hours);
    await watchdog();
    const half = await openAlerts();

    await ranAs(mailboxes[1] ?? '', 3);
    await watchdog();
    await watchdog();
    const most = await openAlerts();
    await ranAs(mailboxes[0] ?? '', 0);
    await watchdog();
    const well = await openAlerts();
    await ranAs(mailboxes[0] ?? '', 2);
    await watchdog();
    const again = await openAlerts();
    for (const mailbox of mailboxes) await services.cycles.disable(organization.id, mailbox, 'incoming');
    await watchdog();

    expect(half).toEqual([]);
    expect(most).toMatchObject([
      {
        code: 'profileFailing',
        level: 'error',
        subject: { type: 'serverProfile', id: profile.id },
        mailboxId: anna.mailboxId,
        count: 2,
        detail: '2 of 3 mailboxes of the profile failed within the last hour',
      },
    ]);
    expect(well).toEqual([]);
    expect(again).toMatchObject([{ code: 'profileFailing', count: 1 }]);
    expect(await openAlerts()).toEqual([]);
  });

  it('tells for how long nobody has read the stream, and gives its reader something to show itself by', async () => {
    const { services } = api;
    const { table } = services.store;
    await noteStreamRead(table, new Date(Date.now() - 1 * hours));

    const silent = await watchdog();
    const consumer = createStreamConsumer({ ...services, reportError: (message) => expect.unreachable(message) });
    await consumeStream(consumer, 'shard', await createStreamReader(process.env['RECORDS_TABLE'] ?? '')());
    const read = await watchdog();

    expect(silent.feedSilenceSeconds).toBeGreaterThan(3_500);
    expect(read.feedSilenceSeconds).toBeLessThan(60);
  });

  it('makes good what the loss of a timer and of every queued message leaves', async () => {
    const { services } = api;
    await services.cycles.wake(organization.id, mailboxId, 'incoming');
    await new SQSClient({}).send(new PurgeQueueCommand({ QueueUrl: process.env['INCOMING_QUEUE_URL'] }));
    await new SchedulerClient({})
      .send(new DeleteScheduleCommand({ GroupName: process.env['SCHEDULE_GROUP'], Name: `${mailboxId}-incoming-1` }))
      .catch(() => undefined);
    await overdue(1 * hours);

    await watchdog();

    expect(await api.receive('incoming')).toMatchObject([{ mailboxId }]);
  });
});
