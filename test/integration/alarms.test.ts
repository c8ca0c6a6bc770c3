import { PutCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import type { Context, SQSEvent } from 'aws-lambda';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createLaneServices, type LaneServices } from '../../functions/common/create-lane-services.ts';
import { createCycleLaneHandler } from '../../functions/common/cycle-lane-handler.ts';
import type { LaneSharing } from '../../functions/common/hold-places.ts';
import { createLaneHandler } from '../../functions/common/lane-handler.ts';
import { logger } from '../../functions/common/logger.ts';
import { readLaneEnvironment } from '../../functions/common/read-lane-environment.ts';
import type { WorkloadRunner } from '../../shared/cycle/workload.ts';
import { noteStreamRead } from '../../shared/feed/feed-epoch.ts';
import { createLaneShares, laneShareKey } from '../../shared/lane-share/lane-shares.ts';
import { reportShortage } from '../../shared/lane-share/report-shortage.ts';
import { mailboxKind, type SynchronizedWorkload } from '../../shared/mailbox/mailbox.ts';
import { createDocumentClient } from '../../shared/platform/aws-clients.ts';
import { createIdentifier } from '../../shared/platform/identifier.ts';
import { createThrottle } from '../../shared/throttle/throttle.ts';
import { emptyThrottleItem, profileThrottleKey } from '../../shared/throttle/throttle-item.ts';
import { TransportError } from '../../shared/transport/transport-error.ts';
import { readAlarm, sounds } from '../support/evaluate-alarm.ts';
import { contextOf, runLaneBatch } from '../support/run-lane.ts';
import { enableStoredMailbox } from '../support/synchronized-mailbox.ts';
import { captureMetrics, unconfirmedSend, type WrittenMetric } from '../support/written-metrics.ts';
import { ofType, synthesize } from '../unit/cdk/synthesize.ts';
import { type IncomingOrganization, type IncomingWorld, startIncomingWorld } from './tracking/incoming-world.ts';

const prefix = 'mailbox-sync';
const hour = 3_600_000;
const alarms = ofType(synthesize(), 'AWS::CloudWatch::Alarm').map(({ properties }) => readAlarm(properties));
const own = alarms.filter(({ Namespace }) => Namespace === 'MailboxSync');
const tripped = new Set<string>();

/** The alarms that sound when this is written for as long as the fault lasts; silence of the watchdog left out. */
const soundingOn = (written: readonly WrittenMetric[]): readonly string[] => {
  const names = own
    .filter((alarm) => alarm.TreatMissingData !== 'breaching' || written.some(({ name }) => name === alarm.MetricName))
    .filter((alarm) => sounds(alarm, written))
    .map(({ AlarmName }) => AlarmName.slice(prefix.length + 1))
    .sort();
  for (const name of names) tripped.add(name);
  return names;
};

let world: IncomingWorld;
let services: LaneServices;
let watchdog: () => Promise<unknown>;
let giveUp: (lane: string) => Promise<unknown>;

beforeAll(async () => {
  logger.setLogLevel('SILENT');
  process.env['POWERTOOLS_SERVICE_NAME'] = prefix;
  process.env['POWERTOOLS_METRICS_NAMESPACE'] = 'MailboxSync';
  world = await startIncomingWorld();
  services = createLaneServices(readLaneEnvironment());
  const { handler } = await import('../../functions/watchdog/handler.ts');
  watchdog = () => Promise.resolve(handler({}, {} as Context));
  const { handler: deadLetters } = await import('../../functions/dead-letters/handler.ts');
  giveUp = (lane) => {
    const eventSourceARN = `arn:aws:sqs:us-east-1:000000000000:${prefix}-${lane}-dead-letters.fifo`;
    const event = { Records: [{ messageId: '1', body: 'whatever', eventSourceARN }] } as unknown as SQSEvent;
    return Promise.resolve(deadLetters(event, {} as Context));
  };
});

afterAll(async () => {
  await world?.stop();
});

const addMailboxes = async (
  organization: IncomingOrganization,
  number: number,
  workload: SynchronizedWorkload,
): Promise<readonly string[]> => {
  const ids: string[] = [];
  for (let index = 0; index < number; index += 1) {
    const address = `box-${workload}-${index}@example.test`;
    const { mailboxId } = await organization.user({ address, username: address, password: 'any' });
    ids.push(mailboxId);
    if (workload === 'incoming') continue;
    const mailbox = await world.api.services.store.get(mailboxKind, organization.id, mailboxId);
    await enableStoredMailbox(world.api.services, organization.id, mailboxId, {
      serverProfileId: String(mailbox?.serverProfileId),
      mailUser: { address, username: address, password: 'any' },
      workloads: ['outgoing'],
    });
    await world.api.services.cycles.disable(organization.id, mailboxId, 'incoming');
    await world.api.services.cycles.wake(organization.id, mailboxId, 'outgoing');
  }
  return ids;
};

/** Works off what waits in a lane with this runner, and returns the metrics of it. */
const runLane = (lane: SynchronizedWorkload, runner: WorkloadRunner): Promise<readonly WrittenMetric[]> => {
  const handler = createCycleLaneHandler(lane, services, runner);
  const queueUrl = String(process.env[`${lane.toUpperCase()}_QUEUE_URL`]);
  return captureMetrics(async () => {
    while ((await runLaneBatch(handler, queueUrl, { waitSeconds: 1 })) > 0);
  });
};

const setCycle = (
  organizationId: string,
  mailboxId: string,
  workload: string,
  fields: Readonly<Record<string, unknown>>,
) =>
  createDocumentClient().send(
    new UpdateCommand({
      TableName: world.api.cyclesTable,
      Key: { pk: `${organizationId}#${mailboxId}`, sk: workload },
      UpdateExpression: `SET ${Object.keys(fields)
        .map((name) => `#${name} = :${name}`)
        .join(', ')}`,
      ExpressionAttributeNames: Object.fromEntries(Object.keys(fields).map((name) => [`#${name}`, name])),
      ExpressionAttributeValues: Object.fromEntries(Object.entries(fields).map(([name, value]) => [`:${name}`, value])),
    }),
  );

const laneEventOf = (organizationId: string): SQSEvent =>
  ({
    Records: [
      {
        messageId: 'm',
        receiptHandle: 'none',
        body: JSON.stringify({ organizationId }),
        attributes: { ApproximateReceiveCount: '1', MessageGroupId: 'g' },
      },
    ],
  }) as unknown as SQSEvent;

const nothingNew: WorkloadRunner = {
  run: async () => ({ counts: { seen: 0, tracked: 0, skipped: 0, failed: 0 }, more: false, backlog: 0 }),
};

describe('an alarm sounds on what the functions write when there is the fault that it is for:', () => {
  it('none where all is well', async () => {
    const organization = await world.createOrganization();
    const [mailboxId = ''] = await addMailboxes(organization, 1, 'incoming');

    // The first cycle of a new function unwraps keys.
    await runLane('incoming', nothingNew);
    await world.api.services.cycles.wake(organization.id, mailboxId, 'incoming');

    const written = [...(await runLane('incoming', nothingNew)), ...(await captureMetrics(watchdog))];

    expect(written.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['CyclesCompleted', 'IdleRequestsPerCycle', 'WatchdogHeartbeat', 'OldestLatenessSeconds']),
    );
    expect(soundingOn(written)).toEqual([]);
    await world.api.services.cycles.disable(organization.id, mailboxId, 'incoming');
  });

  it('the watchdog is not called, or does not complete its rounds', () => {
    const [heartbeat] = own.filter((alarm) => sounds(alarm, []));
    expect(heartbeat?.AlarmName).toBe(`${prefix}-watchdog-heartbeat`);
    tripped.add('watchdog-heartbeat');
  });

  it('messages of a lane and of the scheduler are given up', async () => {
    for (const lane of ['incoming', 'outgoing', 'operations', 'webhooks', 'scheduler'])
      expect(soundingOn(await captureMetrics(() => giveUp(lane)))).toEqual([`${lane}-dead-letters`]);
  });

  it('a lane fails on messages, or is throttled by AWS', async () => {
    const event = {
      Records: Array.from({ length: 5 }, (_, index) => ({
        messageId: String(index),
        receiptHandle: 'none',
        body: '{}',
        attributes: { ApproximateReceiveCount: '1', MessageGroupId: String(index) },
      })),
    } as unknown as SQSEvent;
    const failing = (lane: 'incoming' | 'outgoing' | 'operations' | 'webhooks', name: string) =>
      captureMetrics(() =>
        createLaneHandler(lane, { ...services.queues, pushBack: async () => undefined }, async () => {
          throw Object.assign(new Error(name), { name });
        })(event, contextOf(60_000)),
      );

    for (const lane of ['incoming', 'outgoing', 'operations', 'webhooks'] as const) {
      expect(soundingOn(await failing(lane, 'TypeError'))).toEqual([`${lane}-defects`]);
      expect(soundingOn(await failing(lane, 'ThrottlingException'))).toEqual([
        `${lane}-defects`,
        `${lane}-service-throttles`,
      ]);
    }
  });

  it.each(['incoming', 'outgoing'] as const)(
    'mailboxes of the lane %s are turned off, most of all, late ones among them',
    async (lane) => {
      const organization = await world.createOrganization();
      const mailboxes = await addMailboxes(organization, 20, lane);
      const refused: WorkloadRunner = {
        ...(lane === 'outgoing' ? { look: async () => ({ due: true, nextDue: null }) } : {}),
        run: async () => {
          throw new TransportError('accessDenied', { class: 'permanent', level: 'mailbox' });
        },
      };

      const disabled = await runLane(lane, refused);
      const [first = ''] = mailboxes;
      await setCycle(organization.id, first, lane, { due: Date.now() - hour });
      const round = await captureMetrics(watchdog);

      expect(disabled.filter(({ name }) => name === 'MailboxesDisabled')).not.toEqual([]);
      expect(soundingOn(disabled)).toEqual([`${lane}-mailboxes-disabled`]);
      expect(soundingOn(round)).toEqual(
        [
          `${lane}-failing`,
          `${lane}-oldest-lateness`,
          'profiles-failing',
          ...(lane === 'outgoing' ? ['pending-send-age'] : []),
        ].sort(),
      );
      for (const mailboxId of mailboxes) {
        await setCycle(organization.id, mailboxId, lane, { lastCompletedAt: 1 });
        await world.api.services.cycles.disable(organization.id, mailboxId, lane);
      }
    },
  );

  it('a server has too few connections for long, or nobody reads the stream', async () => {
    const { store } = world.api.services;
    await createDocumentClient().send(
      new PutCommand({
        TableName: world.api.cyclesTable,
        Item: {
          ...profileThrottleKey('org_1', createIdentifier('prf', Date.now()), 0),
          ...emptyThrottleItem(),
          heldSince: Date.now(),
          demand: 1.2,
        },
      }),
    );
    await noteStreamRead(store.table, new Date(Date.now() - hour));

    expect(soundingOn(await captureMetrics(watchdog))).toEqual(['connections-short', 'feed-silent']);
  });

  it('an organization has used up its share of a lane for half an hour, and is told', async () => {
    const { id, call } = await world.createOrganization();
    const minutes = 60_000;
    for (const lane of ['incoming', 'outgoing', 'operations', 'webhooks'] as const) {
      await createDocumentClient().send(
        new PutCommand({
          TableName: world.api.cyclesTable,
          Item: {
            ...laneShareKey(id, lane),
            ...emptyThrottleItem(),
            heldSince: Date.now() - 10 * minutes,
            held: 10 * minutes,
            crowdedWindows: 2,
          },
        }),
      );
      const sharing: LaneSharing = {
        shares: createLaneShares({
          lane,
          limits: { placesOf: async () => ({ share: 1, most: 1 }) },
          throttle: createThrottle(createDocumentClient(), world.api.cyclesTable, Date.now),
          now: Date.now,
        }),
        report: (organizationId, shortage) =>
          reportShortage(services.store, { organizationId, lane, shortage, now: new Date() }),
      };
      const handler = createLaneHandler(lane, services.queues, async () => ({ done: true }), { sharing });
      const work = () => handler(laneEventOf(id), contextOf(60_000));

      expect(soundingOn(await captureMetrics(work))).toEqual([`${lane}-organization-share`]);
      // The next window has only begun.
      expect(soundingOn(await captureMetrics(work))).toEqual([]);
    }
    const { body } = await call('GET', '/alerts?status=open&scope=organization');
    expect(body.data).toHaveLength(4);
    expect(body.data[0]).toMatchObject({ code: 'laneShareUsedUp', level: 'information', whoActs: 'operator' });
  });

  it('an idle cycle makes more requests than it should', async () => {
    await runLane('incoming', nothingNew);
    const organization = await world.createOrganization();
    const [mailboxId = ''] = await addMailboxes(organization, 1, 'incoming');
    const wasteful: WorkloadRunner = {
      run: async (run) => {
        for (let index = 0; index < 10; index += 1) await services.store.get(mailboxKind, organization.id, mailboxId);
        return nothingNew.run(run);
      },
    };

    expect(soundingOn(await runLane('incoming', wasteful))).toEqual(['requests-per-cycle']);
  });

  it('the end of a Send is not known; the tests of sending show that it is written', () => {
    expect(soundingOn([unconfirmedSend])).toEqual(['unconfirmed-sends']);
  });

  it('and so is each of those on metrics of the functions; the lag of webhooks by their own tests', () => {
    const elsewhere = ['webhook-lag'];
    expect([...tripped, ...elsewhere].sort()).toEqual(
      own.map(({ AlarmName }) => AlarmName.slice(prefix.length + 1)).sort(),
    );
  });
});

describe('an alarm on a metric of AWS', () => {
  /** What AWS writes in a period of the fault, and on a good day. */
  const figures: Readonly<Record<string, { readonly fault: readonly number[]; readonly well: readonly number[] }>> = {
    'AWS/SQS ApproximateAgeOfOldestMessage': { fault: [1_900], well: [20] },
    // A message that the function does not get done is taken again as soon as it comes back.
    'AWS/SQS ApproximateNumberOfMessagesNotVisible': { fault: [1, 0, 1, 1, 1], well: [0, 1, 0, 0, 0] },
    'AWS/Lambda Errors': { fault: [1, 1, 1], well: [0] },
    'AWS/Lambda Throttles': { fault: [10], well: [0] },
    'AWS/Lambda IteratorAge': { fault: [400_000], well: [900] },
    'AWS/DynamoDB ReadThrottleEvents': { fault: [10], well: [0] },
    'AWS/DynamoDB WriteThrottleEvents': { fault: [10], well: [0] },
    'AWS/Scheduler InvocationDroppedCount': { fault: [1], well: [0] },
    'AWS/Scheduler InvocationThrottleCount': { fault: [1], well: [0] },
    'AWS/ApiGateway 5xx': { fault: [1], well: [0] },
  };

  it.each(
    alarms.filter(({ Namespace }) => Namespace !== 'MailboxSync').map((alarm) => [alarm.AlarmName, alarm] as const),
  )('%s sounds on the fault that it is for, and not on a good day', (_, alarm) => {
    const figure = figures[`${alarm.Namespace} ${alarm.MetricName}`];
    const written = (values: readonly number[]): readonly WrittenMetric[] =>
      values.map((value) => ({
        namespace: alarm.Namespace,
        name: alarm.MetricName,
        dimensions: Object.fromEntries(
          alarm.Dimensions.map(({ Name, Value }) => [Name, typeof Value === 'string' ? Value : 'any']),
        ),
        value,
      }));

    expect(figure).toBeDefined();
    expect(sounds(alarm, written(figure?.fault ?? []))).toBe(true);
    expect(sounds(alarm, written(figure?.well ?? []))).toBe(false);
    expect(sounds(alarm, [])).toBe(false);
  });
});
