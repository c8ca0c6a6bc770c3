import { rename, writeFile } from 'node:fs/promises';
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
