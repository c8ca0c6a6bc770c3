import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { childEnvironment } from '../../../local/child-environment.ts';
import { runGuarded, startGuarded } from '../../../local/guarded-process.ts';
import { eventually } from '../../support/eventually.ts';

let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'guarded-process-'));
});

afterAll(async () => {
  await rm(directory, { recursive: true, force: true });
});

// Starts a child of its own, tells both process ids and stays.
const family = 'sleep 1000 & echo $! >"$1"; echo $$ >>"$1"; exec sleep 1000';

const command = (name: string) => ({
  name,
  file: '/bin/sh',
  args: ['-c', family, 'sh', join(directory, `${name}.pids`)],
  environment: childEnvironment(),
  workingDirectory: directory,
  logFile: join(directory, `${name}.log`),
});

const readPids = (name: string): Promise<readonly number[]> =>
  eventually(
    async () => {
      const text = await readFile(join(directory, `${name}.pids`), 'utf8').catch(() => '');
      const pids = text.trim().split('\n').map(Number);
      return pids.length === 2 ? pids : undefined;
    },
    { what: 'the command tells its process ids' },
  );

const isAlive = async (pid: number): Promise<boolean> => {
  const status = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return status !== '' && !/\) [ZX] /.test(status);
};

const allGone = (pids: readonly number[]): Promise<true> =>
  eventually(
    async () => {
      const alive = await Promise.all(pids.map(isAlive));
      return alive.includes(true) ? undefined : true;
    },
    { what: `processes ${pids.join(', ')} are gone` },
  );

describe('a guarded process', () => {
  it('goes on to its end where its log finds the disk full, which is told', async () => {
    const running = startGuarded({
      ...command('full'),
      args: ['-c', 'yes | head -c 1000000; exit 3'],
      logFile: '/dev/full',
    });

    expect(await running.ended).toBe(3);
    expect(running.logFailure()?.message).toContain('ENOSPC');
  });

  it('is gone with all that it started when it is stopped', async () => {
    const running = startGuarded(command('stopped'));
    const pids = await readPids('stopped');

    await running.stop();

    expect(running.hasEnded()).toBe(true);
    await allGone(pids);
  });

  it('is gone with all that it started when the process that started it is killed', async () => {
    const script = `
      import { startGuarded } from ${JSON.stringify(join(import.meta.dirname, '../../../local/guarded-process.ts'))};
      startGuarded(${JSON.stringify(command('orphaned'))});
      setInterval(() => undefined, 1000);`;
    const parent = spawn(process.execPath, ['--input-type=module', '--eval', script], { stdio: 'ignore' });
    const pids = await readPids('orphaned');

    parent.kill('SIGKILL');

    await allGone(pids);
  });

  it('fails with the end of its output when the command fails', async () => {
    const failing = { ...command('failing'), args: ['-c', 'echo "no such key" >&2; exit 3'] };

    await expect(runGuarded(failing)).rejects.toThrow(/failing failed with code 3.*no such key/s);
  });

  it('is stopped by an abort', async () => {
    const controller = new AbortController();
    const outcome = expect(runGuarded(command('aborted'), controller.signal)).rejects.toThrow('enough');
    const pids = await readPids('aborted');

    controller.abort(new Error('enough'));

    await outcome;
    await allGone(pids);
  });
});
