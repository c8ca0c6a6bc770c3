import { execFileSync } from 'node:child_process';
import { AssetHashType, DockerImage, type Duration, RemovalPolicy, Token, Validations } from 'aws-cdk-lib';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import {
  Architecture,
  type CfnFunction,
  Code,
  Function as LambdaFunction,
  type RecursiveLoop,
  Runtime,
} from 'aws-cdk-lib/aws-lambda';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { metricNamespace } from '../shared/platform/metric-names.ts';
import { type FunctionName, projectRoot } from './bundling.ts';

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
  /** How long an asynchronous call may wait until there is a place for it. @default 6 hours */
  readonly maxEventAge?: Duration;
}

export interface PrivateNetwork {
  readonly subnetIds: readonly string[];
  readonly securityGroupIds: readonly string[];
}

/** What Lambda needs to put a function into a private network. */
const networkActions = [
  'ec2:CreateNetworkInterface',
  'ec2:DescribeNetworkInterfaces',
  'ec2:DescribeSubnets',
  'ec2:DeleteNetworkInterface',
  'ec2:AssignPrivateIpAddresses',
  'ec2:UnassignPrivateIpAddresses',
];

/** The most that AWS gives a function, names and values together. */
const mostEnvironmentBytes = 4_096;
/** In the place of what is known only when it is deployed: the ARN or the URL of something. */
const longReference = '-'.repeat(120);

/** Lambda measures the variables as JSON: quotation marks and commas count, and so does what escapes them in a value. */
const bytesOf = (variables: Readonly<Record<string, string>>): number =>
  Buffer.byteLength(
    JSON.stringify(variables, (_, value: unknown) =>
      typeof value === 'string' && Token.isUnresolved(value) ? longReference : value,
    ),
    'utf8',
  );

/** By a process of its own: esbuild splits code and takes plugins only where it may be waited for. */
const bundledCode = (name: FunctionName): Code =>
  Code.fromAsset(`${projectRoot}functions/${name}`, {
    assetHashType: AssetHashType.OUTPUT,
    bundling: {
      // Asked for by the type, and never started.
      image: DockerImage.fromRegistry('none'),
      local: {
        tryBundle: (directory) => {
          execFileSync(process.execPath, [`${projectRoot}cdk/bundle-function.ts`, name, directory], {
            stdio: ['ignore', 'inherit', 'inherit'],
          });
          return true;
        },
      },
    },
  });

/**
 * One function with a role and a log group of its own. It may do nothing but write its log until other constructs
 * allow more: each `allow…` gives the permission and the environment variable together, so neither is ever without the
 * other.
 */
export class HubFunction extends Construct {
  readonly function: LambdaFunction;
  readonly logGroup: LogGroup;
  private readonly variables: Record<string, string>;

  constructor(scope: Construct, id: string, props: HubFunctionProps) {
    super(scope, id);
    const functionName = `${props.prefix}-${props.name}`;
    this.logGroup = new LogGroup(this, 'Log', {
      logGroupName: `/aws/lambda/${functionName}`,
      retention: RetentionDays.ONE_MONTH,
      // A log that outlived its stack would hold the name and stop the next deployment.
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const role = new Role(this, 'Role', {
      assumedBy: new ServicePrincipal('lambda.amazonaws.com'),
      description: `Of the function ${functionName}`,
    });
    this.logGroup.grantWrite(role);
    this.variables = {
      POWERTOOLS_SERVICE_NAME: props.prefix,
      POWERTOOLS_METRICS_NAMESPACE: metricNamespace,
    };
    this.function = new LambdaFunction(this, 'Function', {
      functionName,
      description: props.description,
      code: bundledCode(props.name),
      handler: 'index.handler',
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      memorySize: props.memorySize ?? 512,
      timeout: props.timeout,
      role,
      logGroup: this.logGroup,
      recursiveLoop: props.recursiveLoop,
      retryAttempts: props.retryAttempts,
      maxEventAge: props.maxEventAge,
      environment: this.variables,
    });
    this.node.addValidation({ validate: () => this.checkEnvironment(props.name) });
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

  /** Lets its connections to the outside leave through these subnets of a private network. */
  leaveThrough({ subnetIds, securityGroupIds }: PrivateNetwork): void {
    const resource = this.function.node.defaultChild as CfnFunction;
    resource.vpcConfig = { subnetIds: [...subnetIds], securityGroupIds: [...securityGroupIds] };
    this.allow(networkActions, ['*']);
    Validations.of(this).acknowledge({
      id: 'AwsSolutions-IAM5[Resource::*]',
      reason: 'Lambda makes the network interfaces of a function in the name of its role, before they have an ARN.',
    });
  }

  addEnvironment(variables: Readonly<Record<string, string>>): void {
    for (const [name, value] of Object.entries(variables)) {
      this.variables[name] = value;
      this.function.addEnvironment(name, value);
    }
  }

  /** CloudFormation would find it out in the middle of a deployment. */
  private checkEnvironment(name: FunctionName): string[] {
    const bytes = bytesOf(this.variables);
    if (bytes <= mostEnvironmentBytes) return [];
    const [longest = ''] = Object.entries(this.variables).sort(([, a], [, b]) => b.length - a.length)[0] ?? [];
    return [
      `The options give the function ${name} ${bytes} bytes of environment, most of them as ${longest}; AWS takes ${mostEnvironmentBytes}`,
    ];
  }
}
