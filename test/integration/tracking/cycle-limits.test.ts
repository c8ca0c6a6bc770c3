import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { buildMessage, ordinaryHeaders } from '../../corpus/messages.ts';
import type { MailUser } from '../../support/mail-servers.ts';
import { loadLaneHandler, runLaneBatch } from '../../support/run-lane.ts';
import { type SilentServer, startSilentServer } from '../../support/silent-server.ts';
import { fillInbox } from './fill-inbox.ts';
import { type IncomingOrganization, type IncomingWorld, startIncomingWorld } from './incoming-world.ts';

const hour = 3_600_000;

let world: IncomingWorld;
let silent: SilentServer;

beforeAll(async () => {
  [world, silent] = await Promise.all([startIncomingWorld(), startSilentServer('* OK IMAP4rev1 ready\r\n')]);
});

afterAll(async () => {
  await silent?.stop();
  await world?.stop();
});

afterEach(() => {
  vi.useRealTimers();
});

const fill = (user: MailUser, count: number, bytes = 10): Promise<void> =>
  fillInbox(world.servers, user, [
    {
      count,
      receivedAt: new Date(),
      messageOf: (number) =>
        buildMessage(
          ordinaryHeaders({ Subject: `Mail ${number}`, 'Message-ID': `<${user.username}.${number}@client.example>` }),
          `${'x'.repeat(70)}\r\n`.repeat(Math.ceil(bytes / 72)),
        ).toString('latin1'),
    },
  ]);

/** A mailbox whose Inbox holds so much that is to be tracked. */
const mailboxWith = async (number: number, settings: object, messages: number, bytes?: number) => {
  const organization = await world.createOrganization();
  await organization.settings(settings);
  const user = world.mailUser(number);
  await fill(user, messages, bytes);
  const { mailboxId } = await organization.user(user, {}, { processEmailFrom: '2020-01-01T00:00:00.000Z' });
  return { organization, mailboxId };
};

/** One invocation of the lane; returns how many messages were decided about. */
const runSlice = async (organization: IncomingOrganization, mailboxId: string): Promise<number> => {
  await runLaneBatch(await loadLaneHandler('incoming'), String(process.env['INCOMING_QUEUE_URL']));
  return (await organization.cycle(mailboxId)).lastCounts?.seen ?? 0;
};

const scheduleOf = async ({ call }: IncomingOrganization, mailboxId: string) =>
  (await call('GET', `/mailboxes/${mailboxId}/schedule`)).body.workloads.incoming;

const logOf = async ({ call }: IncomingOrganization, mailboxId: string) =>
  (await call('GET', `/mailboxes/${mailboxId}/log`)).body.data;

const openAlerts = async ({ call }: IncomingOrganization) => (await call('GET', '/alerts?status=open')).body.data;

describe('a cycle', () => {
  it('decides about as many messages as it may, says so, and leaves the rest to the next ones', async () => {
    const limits = { cycle: { maxMessages: 30 } };
    const { organization, mailboxId } = await mailboxWith(1, { limits }, 70);

    const slices = [await runSlice(organization, mailboxId)];
    const schedule = await scheduleOf(organization, mailboxId);
    const [entry] = await logOf(organization, mailboxId);
    slices.push(await runSlice(organization, mailboxId), await runSlice(organization, mailboxId));
    const afterwards = await scheduleOf(organization, mailboxId);

    expect(slices).toEqual([30, 30, 10]);
    expect(schedule).toMatchObject({
      reason: 'maxMessages',
      backlog: 40,
      waiting: { code: 'maxMessages', until: null },
    });
    expect(entry).toMatchObject({ outcome: 'completed', nextReason: 'maxMessages', backlog: 40 });
    expect(afterwards).toMatchObject({ reason: 'interval', backlog: 0, waiting: null });
    const decisions = await organization.decisions(mailboxId);
    expect(new Set(decisions.map(({ messageId }) => messageId)).size).toBe(70);
    expect(await organization.emails()).toHaveLength(70);
  });

  it('takes as many bytes as it may, and a message that is larger than that alone', async () => {
    const limits = { cycle: { maxBytes: 25_000 } };
    const { organization, mailboxId } = await mailboxWith(2, { limits }, 5, 10_000);
    const other = await mailboxWith(3, { limits: { cycle: { maxBytes: 5_000 } } }, 2, 10_000);

    const slices: number[] = [];
    const alone: number[] = [];
    for (let slice = 0; slice < 3; slice += 1) {
      slices.push(await runSlice(organization, mailboxId));
      alone.push((await other.organization.cycle(other.mailboxId)).lastCounts?.seen ?? 0);
    }

    expect(slices).toEqual([2, 2, 1]);
    expect(alone.slice(0, 2)).toEqual([1, 1]);
    expect(await organization.emails()).toHaveLength(5);
    expect(await other.organization.emails()).toHaveLength(2);
  });

  it('has no more slices in an hour than it may, tells so, and goes on', async () => {
    const limits = { cycle: { maxMessages: 10 }, slicesPerHour: 2 };
    const { organization, mailboxId } = await mailboxWith(4, { limits }, 40);
    // The clock stands: an hour that ended while this runs would begin to count anew. Nor is its end so near that the
    // mailbox would wait in the queue.
    const now = Date.now() % hour < hour - 60_000 ? Date.now() : Date.now() + 60_000;
    vi.useFakeTimers({ toFake: ['Date'], now });
    const nextHour = (Math.floor(now / hour) + 1) * hour;

    await runSlice(organization, mailboxId);
    await runSlice(organization, mailboxId);
    const schedule = await scheduleOf(organization, mailboxId);
    const [entry] = await logOf(organization, mailboxId);
    const alerts = await openAlerts(organization);
    await organization.settings({ limits: { slicesPerHour: 100 } });
    await organization.synchronize(mailboxId);

    expect(Date.parse(schedule.nextRunAt)).toBeGreaterThanOrEqual(nextHour);
    expect(Date.parse(schedule.nextRunAt)).toBeLessThanOrEqual(nextHour + 60_000);
    expect(schedule).toMatchObject({
      state: 'enabled',
      phase: 'armed',
      reason: 'slicesPerHour',
      backlog: 20,
      waiting: { code: 'sliceLimitReached', until: schedule.nextRunAt },
    });
    expect(entry).toMatchObject({ nextReason: 'slicesPerHour', nextRunAt: schedule.nextRunAt });
    expect(alerts).toMatchObject([{ code: 'sliceLimitReached', level: 'information', whoActs: 'nobody' }]);
    expect(await organization.emails()).toHaveLength(40);
    expect(await openAlerts(organization)).toEqual([]);
  });

  it('waits for a server no longer than the organization allows, whatever its profile says', async () => {
    const mail = { ...world.servers.environment, imap: { host: '127.0.0.1', port: silent.port, security: 'none' } };
    const organization = await world.createOrganization(mail as unknown as typeof world.servers.environment, {
      timeoutSeconds: 60,
    });
    await organization.settings({ limits: { timeoutSeconds: 1 } });
    const { mailboxId } = await organization.user(world.mailUser(5));

    const cycle = await organization.synchronize(mailboxId);
    const [entry] = await logOf(organization, mailboxId);

    expect((cycle.lastCompletedAt ?? 0) - (cycle.lastStartedAt ?? 0)).toBeLessThan(15_000);
    expect(entry.fault).toMatchObject({ code: 'timedOut', detail: expect.stringContaining('within 1 s') });
  });
});
