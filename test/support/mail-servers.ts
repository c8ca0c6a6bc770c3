import { type MailServers, type MailServersOptions, startMailServers } from '../../local/mail-servers.ts';
import { createRunDirectory } from '../../local/paths.ts';
import { ensurePrerequisites } from '../../local/prerequisites.ts';
import { createProgress } from '../../local/progress.ts';

export type { MailEnvironment, MailUser } from '../../local/mail-environment.ts';
export { bounceDomain, deferredDomain } from '../../local/mail-environment.ts';
export type { MailServers, MailServersOptions } from '../../local/mail-servers.ts';

/** A Dovecot and a Postfix for one test file, in a directory of their own that `stop` removes. */
export const startTestMailServers = async (
  options: Omit<MailServersOptions, 'runDirectory'> = {},
): Promise<MailServers> => {
  const run = await createRunDirectory();
  try {
    await ensurePrerequisites(run.path, createProgress(process.stderr));
    const servers = await startMailServers({ runDirectory: run.path, ...options });
    const stop = async (): Promise<void> => {
      await servers.stop();
      await run.remove();
    };
    return { ...servers, stop };
  } catch (error) {
    await run.remove();
    throw error;
  }
};

/**
 * How many IMAP connections were logged in at once at most, from Dovecot's own log.
 * @param log the text of `dovecot.logFile`.
 * @param username only this login's [everyone's].
 */
export const highestConnectionCount = (log: string, username?: string): number => {
  const open = new Set<string>();
  let highest = 0;
  for (const line of log.split('\n')) {
    const login = /imap-login: Info: Login: user=<([^>]*)>.*session=<([^>]*)>/.exec(line);
    if (login?.[2] !== undefined && (username === undefined || login[1] === username)) open.add(login[2]);
    const end = /imap\([^)]*\)<\d+><([^>]*)>: Info: (?:Disconnected|Logged out|Connection closed)/.exec(line);
    if (end?.[1] !== undefined) open.delete(end[1]);
    highest = Math.max(highest, open.size);
  }
  return highest;
};
