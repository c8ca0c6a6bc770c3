import { PurgeQueueCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { logger } from '../../functions/common/logger.ts';
import { createLaneShares } from '../../shared/lane-share/lane-shares.ts';
import { createShareLimits, type SharedLane } from '../../shared/lane-share/share-limits.ts';
import { createDocumentClient } from '../../shared/platform/aws-clients.ts';
import { leaseMarginMilliseconds } from '../../shared/throttle/lease-margin.ts';
import { createThrottle } from '../../shared/throttle/throttle.ts';
import { captureOutput } from '../support/capture-output.ts';
import { eventually } from '../support/eventually.ts';
import { startEventSource } from '../support/lane-event-source.ts';
import { type MailServers, startTestMailServers } from '../support/mail-servers.ts';
import { contextOf, type LaneHandler, loadLaneHandler, receiveLaneEvent } from '../support/run-lane.ts';
import { type SilentServer, startSilentServer } from '../support/silent-server.ts';
import { enableStoredMailbox, storeServerProfile } from '../support/synchronized-mailbox.ts';
import { startTestApi, type TestApi, type TestOrganization } from './role-calls.ts';

const concurrency = 4;
const sharePercent = 50;
/** Of an organization that keeps its places for long. */
const share = 2;

let api: TestApi;
let servers: MailServers;
let silent: SilentServer;
let handler: LaneHandler;
let queueUrl: string;

beforeAll(async () => {
  logger.setLogLevel('SILENT');
  [api, servers, silent] = await Promise.all([
    startTestApi(),
    startTestMailServers(),
    startSilentServer('* OK IMAP4rev1 ready\r\n'),
  ]);
  process.env['LANE_CONCURRENCY'] = String(concurrency);
  process.env['ORGANIZATION_SHARE_PERCENT'] = String(sharePercent);
  handler = await loadLaneHandler('incoming');
  queueUrl = String(process.env['INCOMING_QUEUE_URL']);
});

afterAll(async () => {
  await silent?.stop();
  await servers?.stop();
  await api?.stop();
});

type Mail = Parameters<typeof storeServerProfile>[2];

const hangingMail = (): Mail =>
  ({ ...servers.environment, imap: { host: '127.0.0.1', port: silent.port, security: 'none' } }) as unknown as Mail;

/** An organization with so many mailboxes that are read at these servers, all due now. */
const createOrganization = async (mail: Mail, mailboxes: number, maxConnections: number) => {
  const organization = await api.createOrganization();
  const profile = await storeServerProfile(api.services, organization.id, mail, { maxConnections, timeoutSeconds: 10 });
  const mailboxIds: string[] = [];
  for (let number = 0; number < mailboxes; number += 1) {
    const mailUser = servers.environment.users[number];
    if (mailUser === undefined) throw new Error('There are too few mail users');
    const { body } = await organization.as('admin')('POST', '/users', {
      fullName: mailUser.address,
      emailAddress: mailUser.address,
    });
    await enableStoredMailbox(api.services, organization.id, body.mailboxId, {
      serverProfileId: profile.id,
      mailUser,
      workloads: ['incoming'],
    });
    mailboxIds.push(body.mailboxId);
  }
  return { ...organization, profile, mailboxIds };
};

/** Those that wait for a place, too, which are not to be seen and would come back in the test after. */
const emptyLane = () => new SQSClient({}).send(new PurgeQueueCommand({ QueueUrl: queueUrl }));

const disable = async (organization: TestOrganization & { readonly mailboxIds: readonly string[] }): Promise<void> => {
  for (const mailboxId of organization.mailboxIds)
    await api.services.cycles.disable(organization.id, mailboxId, 'incoming');
  await emptyLane();
};

const lastStart = async (organizationId: string, mailboxId: string): Promise<number> =>
  Number((await api.cycleItem(`${organizationId}#${mailboxId}`, 'incoming'))?.['lastStartedAt'] ?? 0);

describe('a lane with four places, two of which one organization may keep for long', () => {
  it('reads the mailbox of another organization at once while eight mailboxes hang at their server', async () => {
    const other = await createOrganization(servers.environment, 1, 10);
    const flooding = await createOrganization(hangingMail(), 8, 20);
    const [mailboxId = ''] = other.mailboxIds;
    const source = startEventSource({ handler, queueUrl, concurrency, batchSize: 1, timeoutSeconds: 60 });

    await eventually(() => (silent.openConnections() >= share ? true : undefined), { what: 'connections that hang' });
    const askedAt = Date.now();
    await other.as('admin')('POST', `/mailboxes/${mailboxId}/sync`, { workloads: ['incoming'] });
    const startedAt = await eventually(
      async () => {
        expect(silent.openConnections()).toBeLessThanOrEqual(share);
        const at = await lastStart(other.id, mailboxId);
        return at >= askedAt ? at : undefined;
      },
      { what: 'the cycle of the other mailbox' },
    );
    const schedules = await Promise.all(
      flooding.mailboxIds.map(async (id) => {
        const { body } = await flooding.as('admin')('GET', `/mailboxes/${id}/schedule`);
        return body.workloads.incoming.waiting?.code;
      }),
    );
    await source.stop();
    await disable(flooding);
    await disable(other);

    // Before the first server of the others was given up.
    expect(startedAt - askedAt).toBeLessThan(9_000);
    expect(schedules).toContain('laneShareUsedUp');
  });

  it('has the next message of a mailbox while another one of its batch hangs', async () => {
    const other = await createOrganization(servers.environment, 1, 1);
    const hanging = await createOrganization(hangingMail(), 1, 1);
    const [mailboxId = ''] = other.mailboxIds;
    const batch = await receiveLaneEvent(queueUrl, 1);

    let isOver = false;
    const invocation = handler(batch as NonNullable<typeof batch>, contextOf(60_000)).then((response) => {
      isOver = true;
      return response;
    });
    await eventually(async () => ((await lastStart(other.id, mailboxId)) > 0 ? true : undefined), {
      what: 'the cycle',
    });
    await other.as('admin')('POST', `/mailboxes/${mailboxId}/sync`, { workloads: ['incoming'] });
    const next = await eventually(() => receiveLaneEvent(queueUrl, 1), { what: 'the next message of the mailbox' });
    const wasOver = isOver;
    const response = await invocation;
    await disable(other);
    await disable(hanging);

    expect(batch?.Records).toHaveLength(2);
    expect(JSON.parse(next.Records[0]?.body ?? '')).toMatchObject({ mailboxId, reason: 'sync' });
    expect(wasOver).toBe(false);
    expect(response?.batchItemFailures).toEqual([]);
  });
});

describe('a mailbox that waits for a place of its organization', () => {
  it('is told of in the log of the lane, with why and for how long', async () => {
    const { mailboxIds, ...organization } = await createOrganization(servers.environment, 1, 20);
    const { id } = organization;
    const shares = createLaneShares({
      lane: 'incoming',
      limits: { placesOf: async () => ({ share, most: share }) },
      throttle: createThrottle(createDocumentClient(), api.cyclesTable, Date.now),
      now: Date.now,
    });
    for (let place = 0; place < share; place += 1)
      await shares.enter({ organizationId: id, endsAt: Date.now() + 60_000, hasTicket: true });
    const batch = await eventually(() => receiveLaneEvent(queueUrl, 1), { what: 'the message of the mailbox' });

    logger.setLogLevel('INFO');
    const log = await captureOutput(() => handler(batch, contextOf(60_000))).finally(() =>
      logger.setLogLevel('SILENT'),
    );

    const line = log.split('\n').find((text) => text.includes('"message":"lane"'));
    expect(JSON.parse(line ?? '{}').cycles).toEqual([
      {
        organizationId: id,
        mailboxId: mailboxIds[0],
        workload: 'incoming',
        generation: 1,
        reason: expect.any(String),
        outcome: 'waitsForShare',
        waitSeconds: expect.any(Number),
      },
    ]);
    await disable({ ...organization, mailboxIds });
  });
});

describe('what an organization may hold of a lane', () => {
  const limitsOf = (lane: SharedLane) =>
    createShareLimits(api.services.store, { lane, concurrency: 100, sharePercent: 40 }, Date.now);

  it('is counted only where its server profiles allow more connections than its share', async () => {
    const small = await createOrganization(servers.environment, 0, 40);
    const large = await createOrganization(servers.environment, 0, 41);

    expect(await limitsOf('incoming').placesOf(small.id)).toBeUndefined();
    expect(await limitsOf('incoming').placesOf(large.id)).toEqual({ share: 40, most: 90 });
  });

  it('is what the operator grants it', async () => {
    const { id } = await createOrganization(servers.environment, 0, 100);
    const grant = (laneSharePercent: number | null) =>
      api.operator('PATCH', `/v1/organizations/${id}`, { body: { quota: { laneSharePercent } } });

    await grant(10);
    expect(await limitsOf('outgoing').placesOf(id)).toEqual({ share: 10, most: 90 });
    await grant(100);
    expect(await limitsOf('outgoing').placesOf(id)).toBeUndefined();
    await grant(null);
    expect(await limitsOf('outgoing').placesOf(id)).toEqual({ share: 40, most: 90 });
  });

  it('is counted for webhooks where there are more than its share, from the moment that there are', async () => {
    const { id, as } = await createOrganization(servers.environment, 0, 1);
    const limits = createShareLimits(
      api.services.store,
      { lane: 'webhooks', concurrency: 4, sharePercent: 50 },
      Date.now,
    );
    const subscribe = () => as('admin')('POST', '/webhooks', { url: 'http://127.0.0.1:9/x' });

    for (let number = 0; number < 2; number += 1) await subscribe();
    expect(await limits.placesOf(id)).toBeUndefined();
    await subscribe();
    expect(await limits.placesOf(id)).toEqual({ share: 2, most: 3 });
  });

  it('comes back by itself from invocations that were killed, and is never passed by many at once', async () => {
    let now = Date.now();
    const shares = createLaneShares({
      lane: 'operations',
      limits: { placesOf: async () => ({ share: 3, most: 3 }) },
      throttle: createThrottle(createDocumentClient(), api.cyclesTable, () => now),
      now: () => now,
    });
    const enter = () => shares.enter({ organizationId: 'org_killed', endsAt: now + 60_000, hasTicket: true });
    const enterMany = async (number: number) =>
      (await Promise.all(Array.from({ length: number }, enter))).filter((answer) => !('until' in answer)).length;

    const first = await enterMany(12);
    now += 60_000 + leaseMarginMilliseconds - 1_000;
    const whileLeased = await enterMany(3);
    now += 2_000;
    const afterwards = await enterMany(12);

    expect([first, whileLeased, afterwards]).toEqual([3, 0, 3]);
  });
});
