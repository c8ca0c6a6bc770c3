import { eventually } from './eventually.ts';
import type { MailServers } from './mail-servers.ts';

/**
 * Waits until Dovecot counts `count` connections of the user. The process that serves a session reports it to the one
 * that counts, and answers the client without waiting for that: a login right after may still find a place free.
 */
export const waitForHeldConnections = async (
  servers: MailServers,
  protocol: 'imap' | 'pop3',
  username: string,
  count: number,
): Promise<void> => {
  const wanted = [username, String(count), protocol].join(' ');
  await eventually(
    async () => {
      const lines = (await servers.dovecot.doveadm('who', username)).split('\n');
      const told = lines.map((line) => line.replaceAll(/\s+/g, ' '));
      // Of a user without connections there is no line.
      const isSo =
        count === 0
          ? !told.some((line) => line.startsWith(`${username} `) && line.split(' ')[2] === protocol)
          : told.some((line) => line.startsWith(`${wanted} `));
      return isSo ? true : undefined;
    },
    { what: `Dovecot counts ${wanted}` },
  );
};
