import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { readFile } from 'node:fs/promises';

// Stands between us and what we start, in a process group of its own. While our end of its standard input is open the
// command runs; when it closes, because we stop it or because we were killed, the whole group is ended. So nothing
// that the command started in its turn outlives us, whatever happened to us.
const guardOf = (stopSeconds: number): string => `
exec 3<&0 </dev/null
trap : HUP INT TERM
"$@" 3<&- &
child=$!
(
  trap : TERM
  cat <&3
  kill -TERM 0
  tries=0
  while kill -0 "$$" && [ "$tries" -lt ${stopSeconds + 3} ]; do sleep 1; tries=$((tries + 1)); done
  kill -KILL 0
) >/dev/null 2>&1 &
exec 3<&-
while :; do
  wait "$child"; code=$?
  kill -0 "$child" 2>/dev/null || break
done
exit "$code"
`;

const usualStopSeconds = 12;

/** A command to run: its environment is exactly `environment`, nothing is inherited. */
export type Command = {
  readonly name: string;
  readonly file: string;
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly workingDirectory: string;
  /** Takes standard output and standard error. */
  readonly logFile: string;
  /** How long it may take to end when it is asked to, before it is killed [12]. */
  readonly stopSeconds?: number;
};

/** A running command. */
export type GuardedProcess = {
  readonly name: string;
  readonly logFile: string;
  /** Resolves with the exit code when the command has ended, by itself or stopped; never rejects. */
  readonly ended: Promise<number>;
  readonly hasEnded: () => boolean;
  /** Why the log holds less than was written, such as a full disk. */
  readonly logFailure: () => Error | undefined;
  /** Ends the command and everything that it started; resolves when all is gone. May be called again. */
  readonly stop: () => Promise<void>;
  /** Ends them without a chance to clean up, as a crash of the machine would. */
  readonly kill: () => Promise<void>;
};

const endGroup = (child: ChildProcess): void => {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
};

/** Starts a command that lives no longer than this process. */
export const startGuarded = (command: Command): GuardedProcess => {
  const stopSeconds = command.stopSeconds ?? usualStopSeconds;
  const log = createWriteStream(command.logFile, { flags: 'a' });
  const child = spawn('/bin/sh', ['-c', guardOf(stopSeconds), command.name, command.file, ...command.args], {
    cwd: command.workingDirectory,
    env: { ...command.environment },
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  child.stdin.on('error', () => undefined);
  child.stdout.pipe(log, { end: false });
  child.stderr.pipe(log, { end: false });
  let logFailure: Error | undefined;
  log.on('error', (error) => {
    logFailure ??= error;
    // What nobody reads would hold the command up.
    for (const output of [child.stdout, child.stderr]) output.unpipe(log).resume();
  });
  let isOver = false;
  const ended = new Promise<number>((resolve) => {
    const end = (code: number): void => {
      isOver = true;
      endGroup(child);
      child.stdin.destroy();
      const finish = (): void => {
        clearTimeout(lateOutput);
        child.stdout.destroy();
        child.stderr.destroy();
        log.end(() => resolve(code));
      };
      // A process that left the group would hold the output open for ever.
      const lateOutput = setTimeout(finish, 1000);
      if (child.stdout.closed && child.stderr.closed) finish();
      else child.once('close', finish);
    };
    child.once('error', (error) => {
      log.write(`${error.message}\n`);
      end(127);
    });
    child.once('exit', (code) => end(code ?? 1));
  });
  const stop = async (): Promise<void> => {
    child.stdin.end();
    const impatience = setTimeout(() => endGroup(child), stopSeconds * 1000);
    await ended;
    clearTimeout(impatience);
  };
  const kill = async (): Promise<void> => {
    endGroup(child);
    await ended;
  };
  return {
    name: command.name,
    logFile: command.logFile,
    ended,
    hasEnded: () => isOver,
    logFailure: () => logFailure,
    stop,
    kill,
  };
};

/** The last lines of a log, to show why something failed. */
export const lastLines = async (file: string, count = 30): Promise<string> => {
  const text = await readFile(file, 'utf8').catch(() => '');
  return text.trimEnd().split('\n').slice(-count).join('\n');
};

/**
 * Runs a command to its end.
 * @throws Error with the end of its output when it fails, or when `signal` aborts it.
 */
export const runGuarded = async (command: Command, signal?: AbortSignal): Promise<void> => {
  signal?.throwIfAborted();
  const running = startGuarded(command);
  const stop = (): void => void running.stop();
  signal?.addEventListener('abort', stop, { once: true });
  const code = await running.ended;
  signal?.removeEventListener('abort', stop);
  signal?.throwIfAborted();
  if (code !== 0) {
    const logFailure = running.logFailure();
    throw new Error(
      `${command.name} failed with code ${code}.${logFailure === undefined ? '' : ` Its log is cut off: ${logFailure.message}.`} The end of ${command.logFile}:\n${await lastLines(command.logFile)}`,
    );
  }
};
