import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import middy from '@middy/core';
import sqsPartialBatchFailure from '@middy/sqs-partial-batch-failure';
import type { Context, SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import { type LaneRecord, type LaneVerdict, runLaneBatch } from '../../shared/cycle/run-lane-batch.ts';
import { endMarginMilliseconds } from '../../shared/cycle/run-time.ts';
import { type SharedLane, waitForShare } from '../../shared/lane-share/lane-shares.ts';
import { countRequests } from '../../shared/platform/aws-clients.ts';
import { isAwsThrottle } from '../../shared/platform/is-aws-throttle.ts';
import type { LaneQueues } from '../../shared/platform/lane-queues.ts';
import { laneDimension, laneMetricNames } from '../../shared/platform/metric-names.ts';
import { createEarlyAcknowledgement } from './acknowledge-early.ts';
import { holdPlaces, type LaneSharing } from './hold-places.ts';
import { logger } from './logger.ts';

/** What one invocation counts, by the names in metric-names.ts; written once at its end. */
export type Counts = Map<string, number>;

export const count = (counts: Counts, name: string, amount = 1): void => {
  counts.set(name, (counts.get(name) ?? 0) + amount);
};

export interface LaneInvocation {
  readonly counts: Counts;
  readonly remainingMilliseconds: () => number;
}

type Process = (
  record: LaneRecord,
  invocation: LaneInvocation,
) => Promise<LaneVerdict & { readonly outcome?: string; readonly line?: unknown }>;

const toLaneRecord = (record: SQSRecord): LaneRecord => ({
  messageId: record.messageId,
  receiptHandle: record.receiptHandle,
  body: record.body,
  // Of the body and not only of the queue: what Scheduler sends carries the group, a redriven message may not.
  group: record.attributes.MessageGroupId ?? record.messageId,
  receiveCount: Number(record.attributes.ApproximateReceiveCount),
});

const writeMetrics = (lane: string, counts: Counts): void => {
  if (counts.size === 0) return;
  const metrics = new Metrics();
  metrics.addDimension(laneDimension, lane);
  for (const [name, amount] of counts) metrics.addMetric(name, MetricUnit.Count, amount);
  metrics.publishStoredMetrics();
};

/**
 * A function that is given no time to work must not try: its runs would take their own end for a server that does not
 * answer, and disable mailboxes for it. The failed invocation is what an operator is told by.
 */
const requireTime = (context: Context): void => {
  const milliseconds = context.getRemainingTimeInMillis();
  if (milliseconds >= endMarginMilliseconds) return;
  throw new Error(`The function may run for ${milliseconds} ms: its time-out is below what the deployment sets`);
};

/**
 * The handler of a lane: batches by mailbox in parallel, within the share of the lane that each organization has, partial
 * batch responses, one log line and one metric line.
 */
export const createLaneHandler = (
  lane: SharedLane,
  queues: LaneQueues,
  process: Process,
  options: {
    /** Absent: nothing limits what an organization may hold of the lane. */
    readonly sharing?: LaneSharing;
    /** Tells the log of a message that waits for a place of its organization. */
    readonly describeWait?: (record: LaneRecord, waitSeconds: number | undefined) => unknown;
    /** Adds to the counts what is only known at the end; `requests` to AWS were made. */
    readonly conclude?: (invocation: LaneInvocation, requests: number) => void;
  } = {},
) => {
  // Lambda itself ends what takes too long: an answer just before would hide it from the alarms, and what was under way
  // would go on, with dead connections, in the next call of this process.
  const processBatch = middy<SQSEvent, SQSBatchResponse>({ timeoutEarlyInMillis: 0 })
    .use(sqsPartialBatchFailure({ logger: () => undefined }))
    .handler(async (event: SQSEvent, context: Context) => {
      const counts: Counts = new Map();
      const requestsBefore = countRequests();
      const outcomes: Record<string, number> = {};
      const cycles: unknown[] = [];
      const invocation = { counts, remainingMilliseconds: () => context.getRemainingTimeInMillis() };
      const records = event.Records.map(toLaneRecord);
      const places = holdPlaces(records, options.sharing, Date.now() + context.getRemainingTimeInMillis(), () =>
        count(counts, laneMetricNames.sharesUsedUp),
      );
      const early = createEarlyAcknowledgement(({ receiptHandle }) => queues.acknowledge(lane, receiptHandle));

      // One for all: what is given back together comes back together, and so as one batch again.
      const random = Math.random();
      const processAdmitted: Process = async (record) => {
        const until = await places.admit(record);
        if (until === undefined) return process(record, invocation);
        count(counts, laneMetricNames.cyclesWaiting);
        const verdict = await waitForShare(queues, lane, record, { until, now: Date.now(), random });
        const line = options.describeWait?.(record, verdict.done ? undefined : verdict.waitSeconds);
        return line === undefined ? verdict : { ...verdict, line };
      };
      const results = await runLaneBatch(records, {
        process: async (record) => {
          const verdict = await processAdmitted(record, invocation);
          const outcome = verdict.outcome ?? (verdict.done ? 'done' : 'pushedBack');
          outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
          if (verdict.line !== undefined) cycles.push(verdict.line);
          return verdict;
        },
        pushBack: (record, seconds) => queues.pushBack(lane, record.receiptHandle, seconds),
        onDefect: (error, record) => {
          count(counts, laneMetricNames.defects);
          if (isAwsThrottle(error)) count(counts, laneMetricNames.serviceThrottles);
          logger.error('A message was not processed', { lane, messageId: record.messageId, error: error as Error });
        },
        onEnd: async (record, done) => {
          if (done) early.done(record);
          await places.finish(record);
        },
      });
      await early.end();
      options.conclude?.(invocation, countRequests() - requestsBefore);
      writeMetrics(lane, counts);
      logger.info('lane', {
        lane,
        requestId: context.awsRequestId,
        messages: event.Records.length,
        outcomes,
        ...(cycles.length === 0 ? {} : { cycles }),
      });
      return results as unknown as SQSBatchResponse;
    });
  return async (event: SQSEvent, context: Context): Promise<SQSBatchResponse> => {
    // Outside of what turns errors into failures of single messages.
    requireTime(context);
    return processBatch(event, context);
  };
};
