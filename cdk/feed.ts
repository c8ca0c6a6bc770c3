import { Duration, Validations } from 'aws-cdk-lib';
import type { ITable } from 'aws-cdk-lib/aws-dynamodb';
import { FilterCriteria, FilterRule, StartingPosition } from 'aws-cdk-lib/aws-lambda';
import { DynamoEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import { Construct } from 'constructs';
import { HubFunction } from './hub-function.ts';
import { resourceMetric } from './metrics.ts';
import type { OperatorAlarms } from './operator-alarms.ts';

export interface FeedProps {
  readonly prefix: string;
  /** With a stream of new and old images. */
  readonly records: ITable;
}

/** Turns the stream of the records table into the pages of the change feed. */
export class Feed extends Construct {
  readonly hubFunction: HubFunction;

  constructor(scope: Construct, id: string, props: FeedProps) {
    super(scope, id);
    this.hubFunction = new HubFunction(this, 'Feed', {
      name: 'feed',
      prefix: props.prefix,
      description: 'Appends what the records table tells to the change feed and repeats lost wakes',
      timeout: Duration.seconds(60),
    });
    this.hubFunction.function.addEventSource(
      new DynamoEventSource(props.records, {
        startingPosition: StartingPosition.TRIM_HORIZON,
        batchSize: 100,
        // More would break the order inside a shard.
        parallelizationFactor: 1,
        // Retry attempts stay unlimited (the default) and no batch is ever split off or dropped: each would be a hole.
        // Only events of a window carry the shard's id, by which a repeated delivery is recognised. A long window has
        // no cost: batches are delivered at once, and only its end is one more call.
        tumblingWindow: Duration.minutes(15),
        // Pages themselves, and whatever tells the feed nothing, never wake the function.
        filters: [FilterCriteria.filter({ dynamodb: { NewImage: { published: { S: FilterRule.isEqual('yes') } } } })],
      }),
    );
    Validations.of(this.hubFunction).acknowledge({
      id: 'AwsSolutions-IAM5[Resource::*]',
      reason: 'dynamodb:ListStreams, which the event source needs, knows no resource but all streams.',
    });
  }

  addAlarms(alarms: OperatorAlarms): void {
    const { functionName: FunctionName } = this.hubFunction.function;
    alarms.add({
      name: 'feed-behind',
      impact:
        'The change feed is more than five minutes behind: CRMs learn of tracked mail late. After 24 hours changes are lost to it.',
      runbook: 'feed-behind',
      metric: resourceMetric('AWS/Lambda', 'IteratorAge', { FunctionName }, { statistic: 'Maximum' }),
      threshold: Duration.minutes(5).toMilliseconds(),
      periods: 2,
    });
  }
}
