import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { childEnvironment } from './child-environment.ts';
import { runGuarded } from './guarded-process.ts';
import { checkoutDirectory, localDirectory } from './paths.ts';
import type { Progress } from './progress.ts';

const requirementsFile = join(import.meta.dirname, 'ministack-requirements.txt');
const directoryPrefix = 'python-';

/**
 * The Python of a virtual environment that holds the pinned emulator; made once, and again when the pin changes.
 * It is built beside its place and then moved there, so that two runs at once, or one that is stopped half-way, never
 * leave a broken one.
 * @returns the path of its `python`.
 */
export const ensurePythonEnvironment = async (
  runDirectory: string,
  progress: Progress,
  signal?: AbortSignal,
): Promise<string> => {
  const pins = await readFile(requirementsFile, 'utf8');
  const name = `${directoryPrefix}${createHash('sha256').update(pins).digest('hex').slice(0, 12)}`;
  const directory = join(localDirectory, name);
  const run = (file: string, ...args: string[]): Promise<void> =>
    runGuarded(
      {
        name: args.includes('pip') ? 'pip' : 'python3',
        file,
        args,
        environment: childEnvironment(),
        workingDirectory: checkoutDirectory,
        logFile: join(runDirectory, 'python.log'),
      },
      signal,
    );
  const python = (within: string): string => join(within, 'bin', 'python');
  const works = (within: string): Promise<boolean> =>
    run(python(within), '-c', 'import ministack.app, cryptography').then(
      () => true,
      () => false,
    );
  await mkdir(localDirectory, { recursive: true });
  if (await works(directory)) return python(directory);
  await progress.step(`Install ${pins.trim().split('\n').join(', ')} under .local/`, async () => {
    const draft = `${directory}.${process.pid}`;
    try {
      await run('python3', '-m', 'venv', draft);
      await run(
        python(draft),
        '-m',
        'pip',
        'install',
        '--quiet',
        '--disable-pip-version-check',
        '-r',
        requirementsFile,
      );
      if (!(await works(directory))) {
        await rm(directory, { recursive: true, force: true });
        await rename(draft, directory);
      }
    } finally {
      await rm(draft, { recursive: true, force: true });
    }
    for (const entry of await readdir(localDirectory)) {
      const isOutdated = entry.startsWith(directoryPrefix) && !entry.startsWith(name);
      if (isOutdated) await rm(join(localDirectory, entry), { recursive: true, force: true });
    }
  });
  return python(directory);
};
