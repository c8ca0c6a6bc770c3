import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import middy from '@middy/core';
import sqsPartialBatchFailure from '@middy/sqs-partial-batch-failure';
import type { SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import { raiseAlert } from '../../shared/alert/raise-alert.ts';
import { laneMessageSchema } from '../../shared/cycle/lane-message.ts';
import { noteAlert } from '../../shared/cycle/note-alert.ts';
import { organizationKind } from '../../shared/organization/organization.ts';
import { createDocumentClient } from '../../shared/platform/aws-clients.ts';
import { readConfiguration } from '../../shared/platform/configuration.ts';
import { describeError } from '../../shared/platform/describe-error.ts';
import { EntityStore } from '../../shared/platform/entity-store.ts';
import { createFault } from '../../shared/platform/fault.ts';
import { laneDimension, laneMetricNames, schedulerLane } from '../../shared/platform/metric-names.ts';
import { createRecordsTable } from '../../shared/platform/records-table.ts';
import { logger } from '../common/logger.ts';

const environment = readConfiguration(['RECORDS_TABLE', 'CYCLES_TABLE']);
const document = createDocumentClient();
const store = new EntityStore(createRecordsTable(document, environment.RECORDS_TABLE));

const laneOf = (record: SQSRecord): string =>
  ['incoming', 'outgoing', 'operations', 'webhooks'].find((lane) =>
    record.eventSourceARN.includes(`-${lane}-dead-letters`),
  ) ?? schedulerLane;

/**
 * A message that was given up becomes an alert. The cycle or operation itself is not lost: it is still due, and the
 * watchdog starts it again.
 */
const report = async (record: SQSRecord): Promise<void> => {
  const lane = laneOf(record);
  const metrics = new Metrics({ singleMetric: true });
  metrics.addDimension(laneDimension, lane);
  metrics.addMetric(laneMetricNames.deadLetters, MetricUnit.Count, 1);
  let body: unknown;
  try {
    body = JSON.parse(record.body);
  } catch {
    body = undefined;
  }
  const message = laneMessageSchema.safeParse(body);
  logger.error('A message was given up', { lane, messageId: record.messageId, readable: message.success });
  if (!message.success || lane === schedulerLane) return;
  const { organizationId, mailboxId } = message.data;
  // Work of an organization that was erased has nobody to be told, and must not come back into the table.
  const organization = await store.get(organizationKind, organizationId, organizationId);
  if (organization === undefined || organization.status === 'erasing') return;
  const isMailbox = mailboxId.startsWith('mbx_');
  // What an operation was about is not mended by a cycle that succeeds.
  const isCycle = message.data.workload === 'incoming' || message.data.workload === 'outgoing';
  await raiseAlert(store, {
    organizationId,
    level: 'error',
    scope: isCycle ? 'mailbox' : 'organization',
    fault: createFault('laneStalled', { detail: `Work of the lane ${lane} was given up after many deliveries` }),
    subject: isCycle ? { type: 'mailbox', id: mailboxId } : { type: 'organization', id: organizationId },
    ...(isMailbox ? { mailboxId } : {}),
    now: new Date(),
  });
  if (message.data.workload === 'incoming' || message.data.workload === 'outgoing')
    await noteAlert(document, environment.CYCLES_TABLE, message.data);
};

/** A message that cannot be reported stays in its queue, and comes again; why is told here alone. */
const reportOrLog = (record: SQSRecord): Promise<void> =>
  report(record).catch((error: unknown) => {
    const { messageId } = record;
    logger.error('A given-up message could not be reported', { messageId, error: describeError(error) });
    throw error;
  });

// Lambda itself ends what takes too long, so that the alarms tell of it.
export const handler = middy<SQSEvent, SQSBatchResponse>({ timeoutEarlyInMillis: 0 })
  .use(sqsPartialBatchFailure({ logger: () => undefined }))
  .handler(async (event: SQSEvent) => {
    const results = await Promise.allSettled(event.Records.map(reportOrLog));
    return results as unknown as SQSBatchResponse;
  });
