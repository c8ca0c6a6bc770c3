import { copyFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { callAws } from './call-aws.ts';
import { type AwsEndpoint, awsEnvironment, childEnvironment } from './child-environment.ts';
import { runGuarded } from './guarded-process.ts';
import { checkoutDirectory } from './paths.ts';
import type { Progress } from './progress.ts';

/** The outputs of the deployed stack by name. */
export type StackOutputs = Readonly<Record<string, string>>;

export type DeploymentOptions = {
  readonly aws: AwsEndpoint;
  readonly runDirectory: string;
  /** Where the outputs are kept, instead of those of the last deployment. */
  readonly outputsFile: string;
  readonly progress: Progress;
  readonly signal?: AbortSignal;
  /** CDK context besides what every local deployment has. */
  readonly context?: Readonly<Record<string, string>>;
};

// A function here is a Node process of 60 MB on a machine with few cores; and a mail server is on this machine.
const localContext: Readonly<Record<string, string>> = {
  removalPolicy: 'destroy',
  allowedHostRanges: '127.0.0.0/8,::1/128',
  laneTimeoutSeconds: '60',
  watchdogPeriodSeconds: '60',
  incomingConcurrency: '8',
  outgoingConcurrency: '8',
  operationsConcurrency: '4',
  webhooksConcurrency: '4',
  // Emulators know no saved queries.
  savedQueries: 'false',
};

const findAccount = async (aws: AwsEndpoint): Promise<string> => {
  const query = 'Action=GetCallerIdentity&Version=2011-06-15';
  const answer = await callAws(aws, 'sts', '/', 'application/x-www-form-urlencoded', query);
  const account = /<Account>(\d{12})<\/Account>/.exec(answer)?.[1];
  if (account === undefined) throw new Error(`${aws.endpointUrl} does not tell its account: ${answer}`);
  return account;
};

/**
 * Runs `cdk bootstrap` and `cdk deploy` as an operator does, against the endpoint.
 * @throws Error with the end of the CDK's output when one fails.
 */
export const deployStack = async (options: DeploymentOptions): Promise<StackOutputs> => {
  const { aws, runDirectory, outputsFile, progress, signal } = options;
  const account = await findAccount(aws);
  const cdk = (workingDirectory: string, name: string, ...args: string[]): Promise<void> =>
    runGuarded(
      {
        name: `cdk ${name}`,
        file: join(checkoutDirectory, 'node_modules', '.bin', 'cdk'),
        args: [name, '--no-notices', '--ci', ...args],
        environment: childEnvironment({
          ...awsEnvironment(aws),
          CDK_DEFAULT_ACCOUNT: account,
          CDK_DEFAULT_REGION: aws.region,
          CDK_DISABLE_CLI_TELEMETRY: 'true',
          NO_COLOR: '1',
        }),
        workingDirectory,
        logFile: join(runDirectory, `cdk-${name}.log`),
      },
      signal,
    );
  const context = Object.entries({ ...localContext, ...options.context }).flatMap(([key, value]) => [
    '--context',
    `${key}=${value}`,
  ]);
  // Away from cdk.json, else the CDK would build the whole app, which this does not need.
  await progress.step('cdk bootstrap', () => cdk(runDirectory, 'bootstrap', `aws://${account}/${aws.region}`));
  return await progress.step('cdk deploy', async () => {
    const output = join(runDirectory, 'cdk.out');
    // A file of this run: another deployment may go on at the same time and keep its own in the same place.
    const written = join(runDirectory, 'cdk-outputs.json');
    const flags = ['--require-approval', 'never', '--progress', 'events'];
    await cdk(checkoutDirectory, 'deploy', ...flags, '--output', output, '--outputs-file', written, ...context);
    await copyFile(written, outputsFile);
    const stacks = JSON.parse(await readFile(written, 'utf8')) as Record<string, Record<string, string>>;
    return Object.assign({}, ...Object.values(stacks)) as StackOutputs;
  });
};

/**
 * The output of that name.
 * @throws Error when the stack has none.
 */
export const readOutput = (outputs: StackOutputs, name: string): string => {
  const value = outputs[name];
  if (value === undefined)
    throw new Error(`The stack has no output ${name}; it has ${Object.keys(outputs).join(', ')}.`);
  return value;
};

/** Asks the function that makes operator keys for one. */
export const createOperatorKey = async (aws: AwsEndpoint, functionName: string): Promise<string> => {
  const path = `/2015-03-31/functions/${encodeURIComponent(functionName)}/invocations`;
  const answer: unknown = JSON.parse(await callAws(aws, 'lambda', path, 'application/json', '{}'));
  const isAnswer = typeof answer === 'object' && answer !== null && 'operatorKey' in answer;
  if (!isAnswer || typeof answer.operatorKey !== 'string') throw new Error(`${functionName} gave no operator key.`);
  return answer.operatorKey;
};
