import { type Duration, RemovalPolicy } from 'aws-cdk-lib';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Architecture, type RecursiveLoop, Runtime } from 'aws-cdk-lib/aws-lambda';
import { Charset, NodejsFunction, OutputFormat } from 'aws-cdk-lib/aws-lambda-nodejs';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { metricNamespace } from '../shared/platform/metric-names.ts';
import { bundling, entryOf, type FunctionName, projectRoot, replacements } from './bundling.ts';

export interface HubFunctionProps {
  readonly name: FunctionName;
  /** Of the deployment; also the `service` of its logs and metrics. */
  readonly prefix: string;
  readonly description: string;
  readonly timeout: Duration;
  readonly memorySize?: number;
  readonly recursiveLoop?: RecursiveLoop;
  /** How often Lambda repeats a failed asynchronous call. */
  readonly retryAttempts?: number;
}

/**
 * One function with a role and a log group of its own. It may do nothing but write its log until other constructs
 * allow more: each `allow…` gives the permission and the environment variable together, so neither is ever without the
 * other.
 */
export class HubFunction extends Construct {
  readonly function: NodejsFunction;

  constructor(scope: Construct, id: string, props: HubFunctionProps) {
    super(scope, id);
    const functionName = `${props.prefix}-${props.name}`;
    const logGroup = new LogGroup(this, 'Log', {
      logGroupName: `/aws/lambda/${functionName}`,
      retention: RetentionDays.ONE_MONTH,
      // A log that outlived its stack would hold the name and stop the next deployment.
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const role = new Role(this, 'Role', {
      assumedBy: new ServicePrincipal('lambda.amazonaws.com'),
      description: `Of the function ${functionName}`,
    });
    logGroup.grantWrite(role);
    this.function = new NodejsFunction(this, 'Function', {
      functionName,
      description: props.description,
      entry: entryOf(props.name),
      handler: 'handler',
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      memorySize: props.memorySize ?? 512,
      timeout: props.timeout,
      role,
      logGroup,
      recursiveLoop: props.recursiveLoop,
      retryAttempts: props.retryAttempts,
      projectRoot,
      depsLockFilePath: `${projectRoot}package-lock.json`,
      // Set by the SDK itself since version 3; CDK's variable would only be noise.
      awsSdkConnectionReuse: false,
      bundling: {
        ...bundling,
        format: OutputFormat.ESM,
        // The tables of character sets in our dependencies are a third smaller than with escapes.
        charset: Charset.UTF8,
        sourceMap: false,
        bundleAwsSDK: true,
        esbuildArgs: Object.fromEntries(Object.entries(replacements).map(([name, file]) => [`--alias:${name}`, file])),
      },
      environment: {
        POWERTOOLS_SERVICE_NAME: props.prefix,
        POWERTOOLS_METRICS_NAMESPACE: metricNamespace,
      },
    });
  }

  /** Gives the function exactly these actions, on exactly these resources. */
  allow(actions: readonly string[], resources: readonly string[], conditions?: Record<string, unknown>): void {
    this.function.addToRolePolicy(
      new PolicyStatement({
        actions: [...actions],
        resources: [...resources],
        ...(conditions === undefined ? {} : { conditions }),
      }),
    );
  }

  addEnvironment(variables: Readonly<Record<string, string>>): void {
    for (const [name, value] of Object.entries(variables)) this.function.addEnvironment(name, value);
  }
}
