import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** The root of this checkout. */
export const checkoutDirectory = join(import.meta.dirname, '..');

/** What `npm start` keeps between runs and what it writes for people and tests; outside version control. */
export const localDirectory = join(checkoutDirectory, '.local');

/** A directory for one run of the servers, gone when it ends. */
export type RunDirectory = { readonly path: string; readonly remove: () => Promise<void> };

const removeTree = async (path: string): Promise<void> => {
  try {
    await rm(path, { recursive: true, force: true, maxRetries: 5 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EACCES') throw error;
    // Without root Postfix runs in a user namespace, and what its own user wrote there is ours only within one.
    await promisify(execFile)('unshare', ['--map-root-user', '--map-auto', 'rm', '-rf', path]);
  }
};

/**
 * Makes a run directory. It lies in the system's directory for temporary files and not in the checkout: the mail
 * servers drop their privileges and must be able to walk the whole path, and their sockets need short names.
 */
export const createRunDirectory = async (): Promise<RunDirectory> => {
  const path = await mkdtemp(join(tmpdir(), 'mailbox-sync-'));
  return { path, remove: () => removeTree(path) };
};

/** Makes `.local/` and returns the path of a file in it. */
export const localFile = async (name: string): Promise<string> => {
  await mkdir(localDirectory, { recursive: true });
  return join(localDirectory, name);
};
