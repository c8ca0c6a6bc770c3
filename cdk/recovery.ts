import { Duration } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { HubFunction } from './hub-function.ts';

/**
 * Brings the deployment in line with the world after its tables were restored from a backup. Nothing may invoke it but
 * principals that IAM allows to: it has no address, no event source and no resource policy.
 */
export class Recovery extends Construct {
  readonly hubFunction: HubFunction;

  constructor(scope: Construct, id: string, props: { readonly prefix: string }) {
    super(scope, id);
    this.hubFunction = new HubFunction(this, 'Recovery', {
      name: 'recovery',
      prefix: props.prefix,
      description: 'Invoked by hand after the tables were restored from a backup',
      timeout: Duration.minutes(15),
      retryAttempts: 0,
    });
  }
}
