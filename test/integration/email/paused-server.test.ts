import { afterAll, beforeAll, expect, it } from 'vitest';
import { createLaneServices } from '../../../functions/common/create-lane-services.ts';
import { readLaneEnvironment } from '../../../functions/common/read-lane-environment.ts';
import { createOutgoingRunner } from '../../../shared/email/outgoing-runner.ts';
import { createDocumentClient } from '../../../shared/platform/aws-clients.ts';
import { createConnectionGate } from '../../../shared/throttle/connection-gate.ts';
import { createThrottle } from '../../../shared/throttle/throttle.ts';
import { loadLaneHandler, runLaneBatch } from '../../support/run-lane.ts';
import { enableStoredMailbox } from '../../support/synchronized-mailbox.ts';
import { beginRun } from './begin-run.ts';
import { type SendingOrganization, type SendingWorld, startSendingWorld } from './sending-world.ts';

/** Nothing listens there. */
const nowhere = { host: '127.0.0.1', port: 1, security: 'tls' } as const;

let world: SendingWorld;

beforeAll(async () => {
  world = await startSendingWorld();
});

afterAll(async () => {
  await world?.stop();
});

/** An organization whose user reads and sends; `profile`: which of the two servers is another one. */
const startOrganization = async (profile: Readonly<Record<string, unknown>>) => {
  const organization = await world.createOrganization({ profile });
  const { mailboxId, mailUser } = organization.sender;
  const setup = { serverProfileId: organization.profile.id, mailUser, workloads: ['incoming'] } as const;
  await enableStoredMailbox(world.api.services, organization.id, mailboxId, setup);
  await organization.contact('ben', world.mailUser(2).address);
  return organization;
};

const readMailbox = async (): Promise<void> => {
  await runLaneBatch(await loadLaneHandler('incoming'), String(process.env['INCOMING_QUEUE_URL']), { waitSeconds: 5 });
};

const sendTo = ({ send }: SendingOrganization) =>
  send({ to: [{ address: world.mailUser(2).address }], subject: 'Hello', body: { text: 'Hello' } });

const scheduleOf = async ({ call, sender }: SendingOrganization) =>
  (await call('GET', `/mailboxes/${sender.mailboxId}/schedule`)).body;

const healthOf = async ({ call, profile }: SendingOrganization) =>
  (await call('GET', `/server-profiles/${profile.id}/health`)).body;

const profileAlerts = async ({ call }: SendingOrganization) =>
  (await call('GET', '/alerts?status=open&scope=profile')).body.data;

it('sends while the server that is read is down', async () => {
  const organization = await startOrganization({ incoming: { protocol: 'imap', ...nowhere } });
  await readMailbox();
  const health = await healthOf(organization);

  const { id } = await sendTo(organization);
  await organization.runUntil(id, ({ status }) => status === 'sent');

  expect(health).toMatchObject({ status: 'paused', fault: { code: 'connectFailed' } });
  expect(await healthOf(organization)).toMatchObject({ status: 'paused' });
  expect((await scheduleOf(organization)).workloads.incoming).toMatchObject({
    state: 'enabled',
    reason: 'profilePaused',
  });
  expect(await profileAlerts(organization)).toMatchObject([{ code: 'connectFailed', count: 1 }]);
});

it('files the copies of what it sent once the server that is read is well, however long that takes', async () => {
  const { environment } = world.servers;
  const organization = await startOrganization({ incoming: { protocol: 'imap', ...nowhere } });
  await organization.settings({ outgoing: { retry: { seconds: 1 } } });
  await readMailbox();
  const { pausedUntil } = await healthOf(organization);
  const { id } = await sendTo(organization);
  await organization.runUntil(id, ({ status }) => status === 'sent');
  const { nextRunAt } = (await scheduleOf(organization)).workloads.outgoing;
  const services = createLaneServices(readLaneEnvironment());
  let now = Date.now();
  const clock = () => new Date(now);
  const throttle = createThrottle(createDocumentClient(), String(process.env['CYCLES_TABLE']), () => now);
  const gate = createConnectionGate(throttle, {}, () => now);
  /** A run of the outgoing lane five minutes later, when the server may be tried again. */
  const runLater = async () => {
    now += 301_000;
    const run = { ...(await beginRun(services, organization)), deadline: now + 20_000, now: clock };
    return createOutgoingRunner({ ...services, gate, now: clock }).run({ ...run, readingPausedUntil: now - 1_000 });
  };

  for (let attempt = 1; attempt <= 6; attempt += 1) await runLater();
  const waiting = await organization.email(id);
  await organization.call('PATCH', `/server-profiles/${organization.profile.id}`, { incoming: environment.imap });
  await runLater();

  expect(Date.parse(nextRunAt)).toBeGreaterThanOrEqual(Date.parse(pausedUntil));
  expect(waiting.delivery.sentCopy).toBe('pending');
  expect((await organization.email(id)).delivery.sentCopy).toBe('stored');
  expect(await healthOf(organization)).not.toHaveProperty('pausedUntil');
  expect(await profileAlerts(organization)).toEqual([]);
});

it('reads while the server that sends is down, whose alert stands until it is well', async () => {
  const organization = await startOrganization({ outgoing: { protocol: 'smtp', ...nowhere } });
  const { id } = await sendTo(organization);
  await world.runLane(5);
  const waiting = await scheduleOf(organization);

  await readMailbox();

  expect(waiting.health).toBe('late');
  expect(waiting.workloads.outgoing).toMatchObject({ state: 'enabled', reason: 'profilePaused' });
  expect((await organization.email(id)).status).toBe('pendingSend');
  expect((await scheduleOf(organization)).workloads.incoming).toMatchObject({
    reason: 'interval',
    consecutiveFailures: 0,
  });
  expect(await healthOf(organization)).toMatchObject({ status: 'paused', fault: { code: 'connectFailed' } });
  expect(await profileAlerts(organization)).toMatchObject([{ code: 'connectFailed' }]);
});
