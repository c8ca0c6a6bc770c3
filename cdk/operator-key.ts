import { Duration } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { HubFunction } from './hub-function.ts';

/**
 * Makes a new operator key and shows it once. Nothing may invoke it but principals that IAM allows to: it has no
 * address, no event source and no resource policy.
 */
export class OperatorKey extends Construct {
  readonly hubFunction: HubFunction;

  constructor(scope: Construct, id: string, props: { readonly prefix: string }) {
    super(scope, id);
    this.hubFunction = new HubFunction(this, 'OperatorKey', {
      name: 'operator-key',
      prefix: props.prefix,
      description: 'Makes an operator key; invoked by hand, by those whom IAM allows',
      timeout: Duration.seconds(15),
      memorySize: 256,
    });
  }
}
