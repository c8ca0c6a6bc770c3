import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type AwsEndpoint, childEnvironment } from './child-environment.ts';
import { type GuardedProcess, startGuarded } from './guarded-process.ts';
import { checkoutDirectory } from './paths.ts';
import { choosePort, waitForPorts } from './ports.ts';

/** The emulator of AWS (MiniStack) on a loopback port. */
export type Emulator = {
  readonly aws: AwsEndpoint;
  readonly logFile: string;
  /** Stops it; with `persist` its state is kept for the next `start`. */
  readonly stop: () => Promise<void>;
  /** Ends it as a crash would: with `persist` the next `start` finds the state of the last clean stop. */
  readonly kill: () => Promise<void>;
  /** Starts it again on the same port. */
  readonly start: () => Promise<void>;
};

export type EmulatorOptions = {
  /** The Python that holds MiniStack, from `ensurePythonEnvironment`. */
  readonly python: string;
  readonly runDirectory: string;
  /** Keep state on disk over a stop and a start [false: all in memory]. */
  readonly persist?: boolean;
};

const launcher = join(import.meta.dirname, 'ministack_launcher.py');

/**
 * Starts the emulator and waits until it answers.
 * @throws Error with the end of its log when it does not start.
 */
export const startEmulator = async (options: EmulatorOptions): Promise<Emulator> => {
  const port = await choosePort('EMULATOR_PORT');
  const directory = join(options.runDirectory, 'emulator');
  const temporary = join(directory, 'tmp');
  const logFile = join(options.runDirectory, 'emulator.log');
  await mkdir(temporary, { recursive: true });
  const persistence = {
    PERSIST_STATE: '1',
    STATE_DIR: join(directory, 'state'),
    S3_PERSIST: '1',
    S3_DATA_DIR: join(directory, 's3'),
  };
  let running: GuardedProcess | undefined;
  const start = async (): Promise<void> => {
    running = startGuarded({
      name: 'MiniStack',
      file: options.python,
      args: [launcher],
      environment: childEnvironment({
        BIND_HOST: '127.0.0.1',
        GATEWAY_PORT: String(port),
        // Would listen on a fixed port of every network.
        IOT_MTLS_ENABLED: '0',
        TMPDIR: temporary,
        ...(options.persist === true ? persistence : {}),
      }),
      workingDirectory: checkoutDirectory,
      logFile,
      // It writes its whole state down, and half of it is as good as none.
      ...(options.persist === true ? { stopSeconds: 120 } : {}),
    });
    try {
      await waitForPorts(running, [port]);
    } catch (error) {
      await running.stop();
      throw error;
    }
  };
  await start();
  return {
    aws: {
      endpointUrl: `http://127.0.0.1:${port}`,
      region: 'us-east-1',
      accessKeyId: 'test',
      secretAccessKey: 'test',
    },
    logFile,
    start,
    stop: async () => await running?.stop(),
    kill: async () => await running?.kill(),
  };
};
