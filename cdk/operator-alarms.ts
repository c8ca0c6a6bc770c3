import { Alarm, ComparisonOperator, type IMetric, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { type ITopic, Topic } from 'aws-cdk-lib/aws-sns';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { resourceMetric } from './metrics.ts';

/** Page that alarms lead to; each `runbook` is the anchor of one of its sections. */
export const runbookPage = 'docs/runbook.md';

export interface OperatorAlarmProps {
  /** What the alarm is called, after the deployment's prefix. */
  readonly name: string;
  /** What people feel while it stands: one sentence for somebody just woken up. */
  readonly impact: string;
  /** Section of the runbook that tells what to do. */
  readonly runbook: string;
  readonly metric: IMetric;
  /** Alarms when the metric is at or above this; with `below`, under it. */
  readonly threshold: number;
  readonly below?: boolean;
  /** Periods in a row. @default 1 */
  readonly periods?: number;
  /** No data is itself the fault. @default false */
  readonly missingIsFault?: boolean;
}

/** Makes alarms that tell whom they concern and what to do, and sends them to the operator's topic if there is one. */
export class OperatorAlarms extends Construct {
  readonly alarms: Alarm[] = [];
  private readonly prefix: string;
  private readonly topic: ITopic | undefined;

  constructor(scope: Construct, id: string, props: { readonly prefix: string; readonly topicArn: string | undefined }) {
    super(scope, id);
    this.prefix = props.prefix;
    this.topic = props.topicArn === undefined ? undefined : Topic.fromTopicArn(this, 'Topic', props.topicArn);
  }

  add(props: OperatorAlarmProps): void {
    const alarm = new Alarm(this, props.name, {
      alarmName: `${this.prefix}-${props.name}`,
      alarmDescription: `${props.impact} What to do: ${runbookPage}#${props.runbook}`,
      metric: props.metric,
      threshold: props.threshold,
      comparisonOperator:
        props.below === true
          ? ComparisonOperator.LESS_THAN_THRESHOLD
          : ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      evaluationPeriods: props.periods ?? 1,
      treatMissingData: props.missingIsFault === true ? TreatMissingData.BREACHING : TreatMissingData.NOT_BREACHING,
    });
    if (this.topic !== undefined) {
      const action = new SnsAction(this.topic);
      alarm.addAlarmAction(action);
      alarm.addOkAction(action);
    }
    this.alarms.push(alarm);
  }

  /**
   * For a dead-letter queue, which the dead-letters function has to empty: one alarm for messages that it does not take,
   * one for those that it takes and does not get done. The age of the oldest tells nothing of the latter, since SQS
   * leaves out of it what was received three times.
   */
  addForDeadLetters(name: string, impact: string, deadLetterQueue: IQueue): void {
    const dimensions = { QueueName: deadLetterQueue.queueName };
    this.add({
      name: `${name}-dead-letters-untaken`,
      impact,
      runbook: 'dead-letters-stuck',
      metric: resourceMetric('AWS/SQS', 'ApproximateAgeOfOldestMessage', dimensions, { statistic: 'Maximum' }),
      threshold: 1800,
    });
    this.add({
      name: `${name}-dead-letters-stuck`,
      impact,
      runbook: 'dead-letters-stuck',
      metric: resourceMetric('AWS/SQS', 'ApproximateNumberOfMessagesNotVisible', dimensions, { statistic: 'Average' }),
      // There is one most of the time, for half an hour.
      threshold: 0.5,
      periods: 6,
    });
  }
}
