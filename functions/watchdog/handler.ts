import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import { paginateScan } from '@aws-sdk/lib-dynamodb';
import middy from '@middy/core';
import { createCycleControl } from '../../shared/cycle/create-cycle-control.ts';
import { createFailingShare } from '../../shared/cycle/failing-share.ts';
import { runWatchdog, type WatchdogFindings } from '../../shared/cycle/watchdog.ts';
import { lastStreamRead, probeStream } from '../../shared/feed/feed-epoch.ts';
import { abandonTest } from '../../shared/mailbox/apply-test-result.ts';
import { rebuildCycle } from '../../shared/mailbox/rebuild-cycle.ts';
import { operationMessage } from '../../shared/operation/operation-message.ts';
import {
  createOperationWatch,
  watchedOperationSchema,
  watchedOperationSortKey,
} from '../../shared/operation/operation-watch.ts';
import { timeOutOperation } from '../../shared/operation/run-operation.ts';
import { movesEmail, organizationKind } from '../../shared/organization/organization.ts';
import { createRetirementVisit } from '../../shared/owner/end-sends.ts';
import { createRetirementWatch } from '../../shared/owner/retirement-watch.ts';
import { createDocumentClient, createQueueClient } from '../../shared/platform/aws-clients.ts';
import { readConfiguration } from '../../shared/platform/configuration.ts';
import { EntityStore } from '../../shared/platform/entity-store.ts';
import { FaultError } from '../../shared/platform/fault.ts';
import { createLaneQueues } from '../../shared/platform/lane-queues.ts';
import { deploymentMetricNames, laneDimension, laneMetricNames } from '../../shared/platform/metric-names.ts';
import { createRecordsTable } from '../../shared/platform/records-table.ts';
import { createProfileTallies, isOutage, reportProfileOutages } from '../../shared/server-profile/profile-outages.ts';
import { createWebhookWatch } from '../../shared/webhook/watch-webhooks.ts';
import { logger } from '../common/logger.ts';

const environment = readConfiguration([
  'CYCLES_TABLE',
  'RECORDS_TABLE',
  'INCOMING_QUEUE_URL',
  'OUTGOING_QUEUE_URL',
  'OPERATIONS_QUEUE_URL',
  'WEBHOOKS_QUEUE_URL',
  'WATCHDOG_PERIOD_SECONDS',
  'LANE_VISIBILITY_SECONDS',
]);
const document = createDocumentClient();
const store = new EntityStore(createRecordsTable(document, environment.RECORDS_TABLE));
const queues = createLaneQueues(createQueueClient(), {
  incoming: environment.INCOMING_QUEUE_URL,
  outgoing: environment.OUTGOING_QUEUE_URL,
  operations: environment.OPERATIONS_QUEUE_URL,
  webhooks: environment.WEBHOOKS_QUEUE_URL,
});
const operationDependencies = {
  store,
  queues,
  operationWatch: createOperationWatch(document, environment.CYCLES_TABLE),
  now: () => new Date(),
};

const cycles = createCycleControl({
  document,
  tableName: environment.CYCLES_TABLE,
  queues,
  now: operationDependencies.now,
});

const visitRetirement = createRetirementVisit({
  store,
  retirementWatch: createRetirementWatch(document, environment.CYCLES_TABLE),
  now: operationDependencies.now,
});

const segmentCount = 4;

async function* scanSegment(Segment: number): AsyncGenerator<Record<string, unknown>> {
  const pages = paginateScan(
    { client: document },
    { TableName: environment.CYCLES_TABLE, Segment, TotalSegments: segmentCount, ConsistentRead: false },
  );
  for await (const page of pages) yield* page.Items ?? [];
}

/** Asks once for each organization. */
const rememberWhoMovesEmail = () => {
  const known = new Map<string, Promise<boolean>>();
  const ask = async (organizationId: string): Promise<boolean> => {
    const organization = await store.get(organizationKind, organizationId, organizationId, 'eventual');
    return organization !== undefined && movesEmail(organization);
  };
  return (organizationId: string): Promise<boolean> => {
    const answer = known.get(organizationId) ?? ask(organizationId);
    known.set(organizationId, answer);
    return answer;
  };
};

/**
 * How long nobody has read the stream. A reader that was turned off has no metric of its own: Lambda tells the age of
 * what it delivers, and it delivers nothing.
 */
const measureFeedSilence = async (): Promise<number> => {
  const now = operationDependencies.now();
  const lastReadAt = await lastStreamRead(store.table);
  await probeStream(store.table, now);
  return lastReadAt === undefined ? 0 : Math.max(0, (now.getTime() - lastReadAt) / 1000);
};

// What refuses one item mostly refuses many.
const mostErrorsLogged = 20;

type Figures = Omit<WatchdogFindings, 'errors'> & {
  readonly feedSilenceSeconds: number;
  readonly profilesFailing: number;
  readonly failingPercent: Readonly<Record<'incoming' | 'outgoing', number>>;
  readonly webhookLagSeconds: number;
};

const writeMetrics = (findings: Figures): void => {
  for (const lane of ['incoming', 'outgoing'] as const) {
    const metrics = new Metrics();
    metrics.addDimension(laneDimension, lane);
    metrics.addMetric(laneMetricNames.oldestLatenessSeconds, MetricUnit.Seconds, findings.latenessSeconds[lane]);
    metrics.addMetric(laneMetricNames.failingPercent, MetricUnit.Percent, findings.failingPercent[lane]);
    metrics.publishStoredMetrics();
  }
  const metrics = new Metrics();
  metrics.addMetric(
    deploymentMetricNames.pendingSendOldestSeconds,
    MetricUnit.Seconds,
    findings.latenessSeconds.outgoing,
  );
  metrics.addMetric(deploymentMetricNames.feedSilenceSeconds, MetricUnit.Seconds, findings.feedSilenceSeconds);
  metrics.addMetric(deploymentMetricNames.webhookLagSeconds, MetricUnit.Seconds, findings.webhookLagSeconds);
  metrics.addMetric(deploymentMetricNames.profilesFailing, MetricUnit.Count, findings.profilesFailing);
  metrics.addMetric(
    deploymentMetricNames.connectionDemandPercent,
    MetricUnit.Percent,
    Math.round(findings.connectionDemand * 100),
  );
  metrics.addMetric(deploymentMetricNames.watchdogHeartbeat, MetricUnit.Count, 1);
  metrics.publishStoredMetrics();
};

// Lambda itself ends a round that takes too long: the rest of it would go on beside the next one.
export const handler = middy({ timeoutEarlyInMillis: 0 }).handler(async () => {
  const startedAt = operationDependencies.now().getTime();
  const tallies = createProfileTallies(startedAt);
  const failing = createFailingShare(startedAt);
  const webhooks = createWebhookWatch({
    table: store.table,
    queues,
    now: operationDependencies.now,
    periodSeconds: environment.WATCHDOG_PERIOD_SECONDS,
  });
  const findings = await runWatchdog({
    segments: Array.from({ length: segmentCount }, (_, segment) => scanSegment(segment)),
    parseOperation: (item) => (item['sk'] === watchedOperationSortKey ? watchedOperationSchema.parse(item) : undefined),
    queues,
    backlog: (lane) => queues.countWaiting(lane),
    movesEmail: rememberWhoMovesEmail(),
    resendOperation: ({ organizationId, operationId, group }, occasion) =>
      queues.send(
        'operations',
        group,
        `${operationId}.watchdog.${occasion}`,
        operationMessage(organizationId, group, operationId, occasion),
      ),
    rebuildCycle: (name) => rebuildCycle({ store, cycles, now: operationDependencies.now }, name),
    timeOutOperation: async ({ organizationId, operationId }) => {
      try {
        const operation = await timeOutOperation(operationDependencies, organizationId, operationId);
        if (operation.kind === 'testAndEnable')
          await abandonTest({ ...operationDependencies, cycles }, organizationId, operation.subject.id, operationId);
      } catch (error) {
        // Announced to the watchdog but never stored, or erased with its organization: nothing is left to end.
        if (!(error instanceof FaultError && error.fault.code === 'notFound')) throw error;
        await operationDependencies.operationWatch.end(organizationId, operationId);
      }
    },
    onCycle: (cycle) => {
      tallies.add(cycle);
      failing.add(cycle);
    },
    visitOther: async (item) => (await webhooks.visit(item)) || visitRetirement(item),
    now: operationDependencies.now,
    periodSeconds: environment.WATCHDOG_PERIOD_SECONDS,
    visibilitySeconds: environment.LANE_VISIBILITY_SECONDS,
  });
  const { errors: cycleErrors, ...found } = findings;
  const errors = [...cycleErrors];
  await reportProfileOutages(store, tallies, {
    now: operationDependencies.now(),
    onError: (error) => errors.push(error),
  });
  const profilesFailing = tallies.list().filter(isOutage).length;
  const webhookLagSeconds = webhooks.lagSeconds();
  const figures = {
    ...found,
    feedSilenceSeconds: await measureFeedSilence(),
    profilesFailing,
    webhookLagSeconds,
    failingPercent: { incoming: failing.percentOf('incoming'), outgoing: failing.percentOf('outgoing') },
  };
  writeMetrics(figures);
  logger.info('watchdog', { ...figures, failed: errors.length });
  // Lambda's own line for an error that holds others tells only its message.
  for (const error of errors.slice(0, mostErrorsLogged))
    logger.error('An item could not be looked after', { error: error as Error });
  // Everything else has been looked after by now; the failed invocation is what an operator is told by.
  if (errors.length > 0) throw new AggregateError(errors, 'Some items could not be looked after');
  return figures;
});
