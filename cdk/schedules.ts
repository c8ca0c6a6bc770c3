import { Duration, RemovalPolicy, Stack, Validations } from 'aws-cdk-lib';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { ScheduleGroup } from 'aws-cdk-lib/aws-scheduler';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { laneMetricNames, schedulerLane } from '../shared/platform/metric-names.ts';
import type { HubFunction } from './hub-function.ts';
import type { Lane } from './lane.ts';
import { laneMetric, resourceMetric } from './metrics.ts';
import type { OperatorAlarms } from './operator-alarms.ts';

export interface SchedulesProps {
  readonly prefix: string;
  /** The lanes that timers may send to. */
  readonly lanes: readonly Lane[];
}

/** The one-shot timers: their group, the role that Scheduler sends as, and where undeliverable ones end. */
export class Schedules extends Construct {
  readonly group: ScheduleGroup;
  readonly deadLetterQueue: Queue;
  private readonly role: Role;
  private readonly lanes: readonly Lane[];
  private readonly prefix: string;
  private readonly groupName: string;

  constructor(scope: Construct, id: string, props: SchedulesProps) {
    super(scope, id);
    this.prefix = props.prefix;
    this.lanes = props.lanes;
    this.groupName = `${props.prefix}-timers`;
    // Timers are rebuilt from the cycles by the watchdog, so they need not outlive the stack.
    this.group = new ScheduleGroup(this, 'Group', {
      scheduleGroupName: this.groupName,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    this.deadLetterQueue = new Queue(this, 'DeadLetterQueue', {
      queueName: `${props.prefix}-scheduler-dead-letters`,
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      retentionPeriod: Duration.days(14),
      visibilityTimeout: Duration.minutes(6),
    });
    Validations.of(this.deadLetterQueue).acknowledge({
      id: 'AwsSolutions-SQS3',
      reason: 'It is itself a dead-letter queue: each timer names it as the place for what cannot be delivered.',
    });
    this.role = new Role(this, 'Role', {
      description: `EventBridge Scheduler sends the timers of ${props.prefix} to the lanes as this role`,
      assumedBy: new ServicePrincipal('scheduler.amazonaws.com', {
        conditions: {
          StringEquals: {
            'aws:SourceAccount': Stack.of(this).account,
            'aws:SourceArn': this.group.scheduleGroupArn,
          },
        },
      }),
    });
    this.role.addToPolicy(
      new PolicyStatement({
        actions: ['sqs:SendMessage'],
        resources: [...props.lanes.map((lane) => lane.queue.queueArn), this.deadLetterQueue.queueArn],
      }),
    );
  }

  /** Lets the function arm and remove timers in this group, and in no other. */
  allowTimers(target: HubFunction): void {
    const timers = Stack.of(this).formatArn({
      service: 'scheduler',
      resource: 'schedule',
      resourceName: `${this.groupName}/*`,
    });
    target.allow(['scheduler:CreateSchedule', 'scheduler:DeleteSchedule'], [timers]);
    target.allow(['iam:PassRole'], [this.role.roleArn], {
      StringEquals: { 'iam:PassedToService': 'scheduler.amazonaws.com' },
    });
    Validations.of(target).acknowledge({
      id: `AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:scheduler:<AWS::Region>:<AWS::AccountId>:schedule/${this.groupName}/*]`,
      reason: 'Timers are named by mailbox, workload and generation; the wildcard ends at our own group.',
    });
    target.addEnvironment({
      SCHEDULE_GROUP: this.group.scheduleGroupName,
      SCHEDULER_ROLE_ARN: this.role.roleArn,
      SCHEDULER_DEAD_LETTER_ARN: this.deadLetterQueue.queueArn,
      ...Object.fromEntries(this.lanes.map(({ name, queue }) => [`${name.toUpperCase()}_QUEUE_ARN`, queue.queueArn])),
    });
  }

  addAlarms(alarms: OperatorAlarms): void {
    const { scheduleGroupName: ScheduleGroup } = this.group;
    alarms.add({
      name: 'scheduler-dead-letters',
      impact: 'Timers could not be delivered to their lane: those mailboxes wait for the watchdog.',
      runbook: 'dead-letters',
      metric: laneMetric(this.prefix, schedulerLane, laneMetricNames.deadLetters, { statistic: 'Sum' }),
      threshold: 1,
    });
    alarms.addForDeadLetters(
      schedulerLane,
      'Timers that could not be delivered are not being reported: the dead-letters function does not work.',
      this.deadLetterQueue,
    );
    alarms.add({
      name: 'scheduler-dropped',
      impact: 'Scheduler gave timers up that no queue took: those mailboxes wait for the watchdog.',
      runbook: 'scheduler',
      metric: resourceMetric('AWS/Scheduler', 'InvocationDroppedCount', { ScheduleGroup }, { statistic: 'Sum' }),
      threshold: 1,
    });
    alarms.add({
      name: 'scheduler-throttles',
      impact: 'Scheduler delivers timers late, since more are due than its quota of invocations allows.',
      runbook: 'scheduler',
      metric: resourceMetric('AWS/Scheduler', 'InvocationThrottleCount', { ScheduleGroup }, { statistic: 'Sum' }),
      threshold: 1,
      periods: 3,
    });
  }
}
