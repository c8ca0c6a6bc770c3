import { Duration } from 'aws-cdk-lib';
import { SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { HubFunction } from './hub-function.ts';

export interface DeadLettersProps {
  readonly prefix: string;
  readonly queues: readonly IQueue[];
}

/** Takes what every dead-letter queue holds and makes an alert of it. */
export class DeadLetters extends Construct {
  readonly hubFunction: HubFunction;

  constructor(scope: Construct, id: string, props: DeadLettersProps) {
    super(scope, id);
    this.hubFunction = new HubFunction(this, 'DeadLetters', {
      name: 'dead-letters',
      prefix: props.prefix,
      description: 'Turns given-up messages into alerts',
      timeout: Duration.seconds(60),
    });
    for (const queue of props.queues)
      this.hubFunction.function.addEventSource(
        new SqsEventSource(queue, { batchSize: 10, reportBatchItemFailures: true, maxConcurrency: 2 }),
      );
  }
}
