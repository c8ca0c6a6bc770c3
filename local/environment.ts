import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import type { AwsEndpoint } from './child-environment.ts';
import type { StackOutputs } from './deployment.ts';
import type { MailEnvironment } from './mail-environment.ts';

/** What people and tests must know of a running local cloud: the content of `.local/environment.json`. */
export type LocalEnvironment = {
  readonly hubUrl: string;
  /** Where people look after their mailboxes in a browser. */
  readonly consoleUrl: string;
  readonly operatorKey: string;
  readonly aws: AwsEndpoint;
  readonly mail: MailEnvironment;
  /** Outputs of the deployed stack. */
  readonly outputs: StackOutputs;
};

/** Writes it for the owner's eyes only: it holds the operator key and passwords. Who waits for it never sees half. */
export const writeEnvironment = async (file: string, environment: LocalEnvironment): Promise<void> => {
  const draft = `${file}.${process.pid}`;
  await writeFile(draft, `${JSON.stringify(environment, null, 2)}\n`, { mode: 0o600 });
  await rename(draft, file);
};

const patienceMilliseconds = 2_000;

/** What the file tells; undefined when there is none, or none that can be read. */
const readEnvironment = async (file: string): Promise<LocalEnvironment | undefined> => {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as LocalEnvironment;
  } catch {
    return undefined;
  }
};

/** Removes a file that tells of servers that are gone. Returns where the hub answers that it tells of, if one does. */
export const removeOutdated = async (file: string): Promise<string | undefined> => {
  const hubUrl = (await readEnvironment(file))?.hubUrl;
  try {
    const signal = AbortSignal.timeout(patienceMilliseconds);
    if ((await fetch(`${hubUrl}/v1/health`, { signal })).ok) return hubUrl;
  } catch {
    // Nothing answers there.
  }
  await rm(file, { force: true });
  return undefined;
};

/** Removes the file unless it tells of another cloud, which was started meanwhile. */
export const removeEnvironment = async (file: string, { operatorKey }: LocalEnvironment): Promise<void> => {
  if ((await readEnvironment(file))?.operatorKey === operatorKey) await rm(file, { force: true });
};
