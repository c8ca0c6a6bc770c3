import { Duration } from 'aws-cdk-lib';
import { RecursiveLoop } from 'aws-cdk-lib/aws-lambda';
import { SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import { DeduplicationScope, FifoThroughputLimit, Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { laneMetricNames } from '../shared/platform/metric-names.ts';
import { HubFunction } from './hub-function.ts';
import { laneMetric, resourceMetric } from './metrics.ts';
import type { OperatorAlarms } from './operator-alarms.ts';

export type LaneName = 'incoming' | 'outgoing' | 'operations' | 'webhooks';

export interface LaneProps {
  readonly name: LaneName;
  readonly prefix: string;
  readonly description: string;
  readonly timeoutSeconds: number;
  /** Most invocations at a time: what keeps one lane from taking the account's whole concurrency. */
  readonly concurrency: number;
  /** Percent of them that may work for one organization. */
  readonly organizationSharePercent: number;
  /** Messages that one invocation works for at the same time. @default 10 */
  readonly batchSize?: number;
}

// Crashes are counted in the cycle; a message comes back often on purpose, each time it has to wait a little.
const maxReceiveCount = 50;

// Between the function's time-out and the message's return: the time that Lambda needs to notice.
const visibilityMarginSeconds = 30;

/** One lane of work: its queue, dead-letter queue, function, and what feeds the one to the other. */
export class Lane extends Construct {
  readonly name: LaneName;
  readonly queue: Queue;
  readonly deadLetterQueue: Queue;
  readonly hubFunction: HubFunction;
  /** How long a message stays with the function that received it. */
  readonly visibilitySeconds: number;
  private readonly prefix: string;

  constructor(scope: Construct, id: string, props: LaneProps) {
    super(scope, id);
    const { name, prefix, timeoutSeconds } = props;
    this.visibilitySeconds = timeoutSeconds + visibilityMarginSeconds;
    this.name = name;
    this.prefix = prefix;

    const fifo = {
      fifo: true,
      contentBasedDeduplication: true,
      // Both together are high-throughput mode; without it 300 messages a second are the end.
      deduplicationScope: DeduplicationScope.MESSAGE_GROUP,
      fifoThroughputLimit: FifoThroughputLimit.PER_MESSAGE_GROUP_ID,
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      retentionPeriod: Duration.days(14),
    };
    this.deadLetterQueue = new Queue(this, 'DeadLetterQueue', {
      ...fifo,
      queueName: `${prefix}-${name}-dead-letters.fifo`,
      visibilityTimeout: Duration.minutes(6),
    });
    this.queue = new Queue(this, 'Queue', {
      ...fifo,
      queueName: `${prefix}-${name}.fifo`,
      visibilityTimeout: Duration.seconds(this.visibilitySeconds),
      deadLetterQueue: { queue: this.deadLetterQueue, maxReceiveCount },
    });

    this.hubFunction = new HubFunction(this, 'Lane', {
      name,
      prefix,
      description: props.description,
      timeout: Duration.seconds(timeoutSeconds),
      // A lane goes on through its own queue when there is more work than time; its own cap of slices ends a loop.
      recursiveLoop: RecursiveLoop.ALLOW,
    });
    this.hubFunction.addEnvironment({
      LANE_TIMEOUT_SECONDS: String(timeoutSeconds),
      LANE_VISIBILITY_SECONDS: String(this.visibilitySeconds),
      LANE_CONCURRENCY: String(props.concurrency),
      ORGANIZATION_SHARE_PERCENT: String(props.organizationSharePercent),
    });
    this.hubFunction.function.addEventSource(
      new SqsEventSource(this.queue, {
        batchSize: props.batchSize ?? 10,
        reportBatchItemFailures: true,
        maxConcurrency: props.concurrency,
      }),
    );
  }

  /** Lets the function send to this lane's queue. */
  allowSend(target: HubFunction): void {
    target.allow(['sqs:SendMessage'], [this.queue.queueArn]);
    target.addEnvironment({ [`${this.name.toUpperCase()}_QUEUE_URL`]: this.queue.queueUrl });
  }

  /** Lets the function see how much waits in this lane's queue. */
  allowMeasure(target: HubFunction): void {
    target.allow(['sqs:GetQueueAttributes'], [this.queue.queueArn]);
  }

  addAlarms(alarms: OperatorAlarms): void {
    const { name } = this;
    const { functionName } = this.hubFunction.function;
    alarms.add({
      name: `${name}-dead-letters`,
      impact: `Work of the lane ${name} was given up after ${maxReceiveCount} deliveries: a mailbox or an operation is affected.`,
      runbook: 'dead-letters',
      metric: laneMetric(this.prefix, name, laneMetricNames.deadLetters, { statistic: 'Sum' }),
      threshold: 1,
    });
    alarms.addForDeadLetters(
      name,
      `Given-up work of the lane ${name} is not being reported: the dead-letters function does not get it done.`,
      this.deadLetterQueue,
    );
    alarms.add({
      name: `${name}-queue-age`,
      impact: `The lane ${name} falls behind: its mailboxes wait more than 15 minutes for their turn.`,
      runbook: 'queue-age',
      metric: resourceMetric(
        'AWS/SQS',
        'ApproximateAgeOfOldestMessage',
        { QueueName: this.queue.queueName },
        { statistic: 'Maximum' },
      ),
      threshold: 900,
      periods: 3,
    });
    alarms.add({
      name: `${name}-errors`,
      impact: `Whole invocations of the lane ${name} fail: mail of many mailboxes is delayed, none is lost.`,
      runbook: 'function-errors',
      metric: resourceMetric('AWS/Lambda', 'Errors', { FunctionName: functionName }, { statistic: 'Sum' }),
      threshold: 3,
      periods: 3,
    });
    alarms.add({
      name: `${name}-defects`,
      impact: `The lane ${name} fails on single messages again and again: those mailboxes or operations stand still.`,
      runbook: 'defects',
      metric: laneMetric(this.prefix, name, laneMetricNames.defects, { statistic: 'Sum' }),
      threshold: 5,
      periods: 3,
    });
    alarms.add({
      name: `${name}-organization-share`,
      impact: `An organization has used up its share of the lane ${name} for half an hour: its own work is late, that of others is not.`,
      runbook: 'organization-share',
      metric: laneMetric(this.prefix, name, laneMetricNames.sharesUsedUp, { statistic: 'Sum' }),
      threshold: 1,
    });
    alarms.add({
      name: `${name}-service-throttles`,
      impact: `AWS refuses requests of the lane ${name} (DynamoDB, KMS, SQS, Scheduler or S3): mail is delayed.`,
      runbook: 'throttles',
      metric: laneMetric(this.prefix, name, laneMetricNames.serviceThrottles, { statistic: 'Sum' }),
      threshold: 5,
      periods: 3,
    });
    alarms.add({
      name: `${name}-throttles`,
      impact: `Lambda refuses invocations of the lane ${name}: the account's concurrency is used up, mail is delayed.`,
      runbook: 'throttles',
      metric: resourceMetric('AWS/Lambda', 'Throttles', { FunctionName: functionName }, { statistic: 'Sum' }),
      threshold: 10,
      periods: 3,
    });
  }

  /** For the lanes that run mailboxes by timers; the watchdog measures them once in its `period`. */
  addCycleAlarms(alarms: OperatorAlarms, period: Duration): void {
    const { name } = this;
    alarms.add({
      name: `${name}-oldest-lateness`,
      impact: `A mailbox has been due in the lane ${name} for more than 15 minutes: its owner sees mail late.`,
      runbook: 'oldest-lateness',
      metric: laneMetric(this.prefix, name, laneMetricNames.oldestLatenessSeconds, { statistic: 'Maximum', period }),
      threshold: 900,
      periods: 2,
    });
    alarms.add({
      name: `${name}-failing`,
      impact: `More than half of the mailboxes of the lane ${name} failed within the hour: a network, a provider or a release is at fault, and no mail moves for them.`,
      runbook: 'cycles-failing',
      metric: laneMetric(this.prefix, name, laneMetricNames.failingPercent, { statistic: 'Maximum', period }),
      threshold: 50,
      periods: 2,
    });
    alarms.add({
      name: `${name}-mailboxes-disabled`,
      impact: `Ten or more mailboxes were turned off in the lane ${name} within an hour: no mail moves for them.`,
      runbook: 'mailboxes-disabled',
      metric: laneMetric(this.prefix, name, laneMetricNames.mailboxesDisabled, {
        statistic: 'Sum',
        period: Duration.hours(1),
      }),
      threshold: 10,
    });
  }
}
