import { parseArgs } from 'node:util';
import { removeEnvironment, removeOutdated, writeEnvironment } from './environment.ts';
import { type LocalCloud, startLocalCloud } from './local-cloud.ts';
import { localDirectory, localFile } from './paths.ts';
import { createProgress } from './progress.ts';
import { type PlayedExample, runWorkedExample } from './worked-example.ts';

const usage = `npm start             starts the local cloud, plays the worked example once, stays up until Ctrl-C
npm start -- --once   the same, then ends with the outcome as exit code

Ports are free ones unless set: HUB_PORT, EMULATOR_PORT, IMAP_PORT, IMAP_STARTTLS_PORT, POP3_PORT, POP3_STARTTLS_PORT,
SUBMISSION_PORT, SUBMISSION_STARTTLS_PORT, DOVECOT_SUBMISSION_STARTTLS_PORT, MX_PORT.
AWS_ENDPOINT_URL names an emulator that runs already; it is used instead of one of our own.`;

const preferredHubPort = 8080;
const exitCodeOfSignal = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

/** Aborts `signal` at the first request to stop; later ones change nothing, the servers are being stopped already. */
const listenForStop = () => {
  const controller = new AbortController();
  let exitCode = 0;
  const stop = (code: number): void => {
    if (controller.signal.aborted) return;
    exitCode = code;
    controller.abort(new Error('Stopped on request.'));
  };
  for (const [name, code] of Object.entries(exitCodeOfSignal)) process.on(name, () => stop(code));
  // npm runs us by a shell and tells its signals to that shell only, if at all: its end is the sign.
  const parent = process.ppid;
  const watching = setInterval(() => {
    if (process.env['npm_lifecycle_event'] !== undefined && process.ppid !== parent) stop(exitCodeOfSignal.SIGTERM);
  }, 250);
  watching.unref();
  return { signal: controller.signal, exitCode: () => exitCode };
};

const untilAborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) return resolve();
    // A pending promise alone does not keep the process up.
    const staying = setInterval(() => undefined, 60_000);
    signal.addEventListener('abort', () => {
      clearInterval(staying);
      resolve();
    });
  });

const whereToGoNext = ({ environment, mailServers }: LocalCloud, environmentFile: string): string => `
The hub answers at    ${environment.hubUrl}
Console               ${environment.consoleUrl}
API reference         ${environment.hubUrl}/v1/openapi.json
Operator key          ${environment.operatorKey}
Mail users, ports and all else: ${environmentFile}
Logs: ${mailServers.dovecot.logFile}
      ${mailServers.postfix.logFile}`;

const signInHint = async ({ createSignInUrl }: PlayedExample): Promise<string> => `
Opens the console as Anna, once and within a minute:
${await createSignInUrl()}`;

/** A link lives for a minute only: Enter makes another, where somebody sits before the terminal. */
const offerSignIn = async (example: PlayedExample, show: (line: string) => void): Promise<void> => {
  const offer = (): Promise<void> =>
    signInHint(example).then(show, (error: unknown) => show(`There is no link to the console: ${String(error)}`));
  await offer();
  if (!process.stdin.isTTY) return;
  show('Enter makes another link.');
  process.stdin.on('data', () => void offer());
};

const readArguments = () => {
  try {
    return parseArgs({ options: { once: { type: 'boolean' }, help: { type: 'boolean' } } }).values;
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${usage}`);
    return undefined;
  }
};

const main = async (): Promise<number> => {
  const values = readArguments();
  if (values === undefined) return 2;
  if (values.help === true) {
    console.log(usage);
    return 0;
  }
  const { signal, exitCode } = listenForStop();
  const progress = createProgress();
  const environmentFile = await localFile('environment.json');
  let cloud: LocalCloud | undefined;
  try {
    const running = await removeOutdated(environmentFile);
    if (running !== undefined)
      progress.line(`A local cloud of this checkout answers at ${running}; this one is another, beside it.`);
    cloud = await startLocalCloud({
      progress,
      signal,
      preferredHubPort,
      outputsFile: await localFile('outputs.json'),
      logDirectory: await localFile('logs'),
    });
    await writeEnvironment(environmentFile, cloud.environment);
    progress.line('\nThe worked example, on the real servers:');
    const stopped = untilAborted(signal);
    const playing = runWorkedExample(cloud.environment, progress.line).then(
      (example) => ({ example, failure: undefined }),
      (failure: unknown) => ({ example: undefined, failure }),
    );
    const { example, failure } = (await Promise.race([playing, stopped])) ?? {};
    if (signal.aborted) return exitCode();
    progress.line(example === undefined ? `\nThe worked example failed: ${String(failure)}` : '\nAll as promised.');
    const outcome = example === undefined ? 1 : 0;
    if (values.once === true) return outcome;
    progress.line(whereToGoNext(cloud, environmentFile));
    if (example !== undefined) await offerSignIn(example, progress.line);
    progress.line('\nCtrl-C stops everything.');
    await stopped;
    return outcome;
  } catch (error) {
    if (signal.aborted) return exitCode();
    progress.line(`\n${error instanceof Error ? error.message : String(error)}`);
    return 1;
  } finally {
    if (cloud !== undefined) {
      await removeEnvironment(environmentFile, cloud.environment);
      await progress.step('Stop everything', cloud.stop);
    }
    progress.line(`Logs are in ${localDirectory}/logs`);
  }
};

process.exit(await main());
