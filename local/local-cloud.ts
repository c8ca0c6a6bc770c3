import { copyFile, glob, mkdir, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { AwsEndpoint } from './child-environment.ts';
import { createOperatorKey, deployStack, readOutput, type StackOutputs } from './deployment.ts';
import { type Emulator, startEmulator } from './emulator.ts';
import type { LocalEnvironment } from './environment.ts';
import { startFront } from './front.ts';
import { type MailServers, type MailServersOptions, startMailServers } from './mail-servers.ts';
import { createRunDirectory } from './paths.ts';
import { choosePort, requireFreePort } from './ports.ts';
import { ensurePrerequisites } from './prerequisites.ts';
import { type Progress, silentProgress } from './progress.ts';
import { ensurePythonEnvironment } from './python-environment.ts';

export type LocalCloudOptions = {
  readonly progress: Progress;
  readonly signal?: AbortSignal;
  /** Keep the emulator's state over a stop and a start of it [false]. */
  readonly persist?: boolean;
  /** Port that the hub gets if it is free [any]; `HUB_PORT` goes first. */
  readonly preferredHubPort?: number;
  /** Where the outputs of the stack go [a file that is removed at the end]. */
  readonly outputsFile?: string;
  /** Where the logs are kept at the end, instead of those of the last time [nowhere]. */
  readonly logDirectory?: string;
  /** CDK context besides what every local deployment has. */
  readonly context?: Readonly<Record<string, string>>;
  readonly mail?: Omit<MailServersOptions, 'runDirectory'>;
};

/** The whole product on this machine. */
export type LocalCloud = {
  readonly environment: LocalEnvironment;
  /** Absent when `AWS_ENDPOINT_URL` names an emulator of the caller's. */
  readonly emulator: Emulator | undefined;
  readonly mailServers: MailServers;
  /** Logs of everything; removed by `stop`. */
  readonly runDirectory: string;
  /** Deploys again with more context; what the stack then puts out. */
  readonly deploy: (context: Readonly<Record<string, string>>) => Promise<StackOutputs>;
  readonly stop: () => Promise<void>;
};

const callersEndpoint = async (signal?: AbortSignal): Promise<AwsEndpoint | undefined> => {
  const endpointUrl = process.env['AWS_ENDPOINT_URL'];
  if (endpointUrl === undefined || endpointUrl === '') return undefined;
  try {
    await fetch(endpointUrl, signal === undefined ? {} : { signal });
  } catch (cause) {
    signal?.throwIfAborted();
    throw new Error(
      `Nothing answers at AWS_ENDPOINT_URL=${endpointUrl}. Start that emulator, or unset the variable to have one started.`,
      { cause },
    );
  }
  return {
    endpointUrl: endpointUrl.replace(/\/$/, ''),
    region: process.env['AWS_REGION'] ?? 'us-east-1',
    accessKeyId: process.env['AWS_ACCESS_KEY_ID'] ?? 'test',
    secretAccessKey: process.env['AWS_SECRET_ACCESS_KEY'] ?? 'test',
  };
};

const startAll = async (
  options: LocalCloudOptions,
  runDirectory: string,
  onStop: (stop: () => Promise<void>) => void,
): Promise<Omit<LocalCloud, 'stop'>> => {
  const { progress, signal } = options;
  await ensurePrerequisites(runDirectory, progress, signal);
  // A port that was asked for and is taken is told of before the long work; any other is chosen when it is needed, so
  // that nobody else takes it meanwhile.
  await requireFreePort('HUB_PORT');
  const given = await callersEndpoint(signal);
  let emulator: Emulator | undefined;
  if (given === undefined) {
    const python = await ensurePythonEnvironment(runDirectory, progress, signal);
    signal?.throwIfAborted();
    emulator = await progress.step('Start MiniStack (AWS)', async (note) => {
      const started = await startEmulator({ python, runDirectory, persist: options.persist ?? false });
      onStop(started.stop);
      note(started.aws.endpointUrl);
      return started;
    });
  }
  const aws = emulator?.aws ?? given;
  if (aws === undefined) throw new Error('There is neither an emulator nor AWS_ENDPOINT_URL.');
  signal?.throwIfAborted();
  const mailServers = await progress.step('Start Dovecot and Postfix', async (note) => {
    const started = await startMailServers({ runDirectory, ...options.mail });
    onStop(started.stop);
    const { imap, submission, mx } = started.environment;
    note(`IMAP ${imap.port}, submission ${submission.port}, MX ${mx.port}`);
    return started;
  });
  // Before the deployment, which is told where the hub will be reached.
  let stage: string | undefined;
  const front = await startFront({
    port: await choosePort('HUB_PORT', options.preferredHubPort),
    target: () => stage,
  });
  onStop(front.stop);
  const deployment = {
    aws,
    runDirectory,
    outputsFile: options.outputsFile ?? join(runDirectory, 'outputs.json'),
    ...(signal === undefined ? {} : { signal }),
  };
  const context = { publicUrl: front.url, ...options.context };
  const outputs = await deployStack({ ...deployment, progress, context });
  signal?.throwIfAborted();
  stage = `${aws.endpointUrl}/_aws/execute-api/${readOutput(outputs, 'HubApiId')}/$default`;
  const operatorKey = await progress.step('Ask the stack for an operator key', () =>
    createOperatorKey(aws, readOutput(outputs, 'OperatorKeyFunctionName')),
  );
  return {
    environment: {
      hubUrl: front.url,
      consoleUrl: readOutput(outputs, 'ConsoleUrl'),
      operatorKey,
      aws,
      mail: mailServers.environment,
      outputs,
    },
    emulator,
    mailServers,
    runDirectory,
    deploy: (more) => deployStack({ ...deployment, progress: silentProgress, context: { ...context, ...more } }),
  };
};

const keepLogs = async (runDirectory: string, logDirectory: string): Promise<void> => {
  await rm(logDirectory, { recursive: true, force: true });
  await mkdir(logDirectory, { recursive: true });
  for await (const path of glob('{*.log,mail/*/*.log}', { cwd: runDirectory })) {
    await copyFile(join(runDirectory, path), join(logDirectory, basename(path)));
  }
};

/**
 * Starts the mail servers and the emulator, deploys the stack to it and puts the hub at the root of a port.
 * When any step fails or `signal` aborts, all that was started is stopped before it throws.
 */
export const startLocalCloud = async (options: LocalCloudOptions): Promise<LocalCloud> => {
  const run = await createRunDirectory();
  const stops: (() => Promise<void>)[] = [];
  let stopping: Promise<void> | undefined;
  const stopAll = async (): Promise<void> => {
    for (const stop of stops.reverse()) await stop();
    try {
      if (options.logDirectory !== undefined) await keepLogs(run.path, options.logDirectory);
    } catch (error) {
      // Must not stand in the place of what went wrong before.
      options.progress.line(`The logs are not kept: ${String(error)}`);
    }
    await run.remove();
  };
  const stop = (): Promise<void> => {
    stopping ??= stopAll();
    return stopping;
  };
  try {
    return { ...(await startAll(options, run.path, (one) => stops.push(one))), stop };
  } catch (error) {
    await stop();
    throw error;
  }
};
