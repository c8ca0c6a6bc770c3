import { chown, mkdir, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { MailServers, MailUser } from '../../support/mail-servers.ts';
import { withMailbox } from '../../support/mailbox-client.ts';

/** Puts messages into the Inbox as files, which takes a second where appending them would take a minute. */
export const fillMailbox = async (servers: MailServers, user: MailUser, contents: readonly string[]): Promise<void> => {
  // Its first login makes the folders.
  await withMailbox(servers.environment, user, (client) => client.mailboxOpen('INBOX').then(() => undefined));
  const maildir = join(dirname(servers.dovecot.logFile), 'mail', user.username, 'maildir');
  const { uid, gid } = await stat(maildir);
  const folder = join(maildir, 'cur');
  await mkdir(folder, { recursive: true });
  const now = Math.floor(Date.now() / 1000);
  for (const [number, content] of contents.entries()) {
    const file = join(folder, `${now}.M${String(number).padStart(6, '0')}P${process.pid}.bench:2,`);
    await writeFile(file, content);
    if (process.getuid?.() === 0) await chown(file, uid, gid);
  }
  await withMailbox(servers.environment, user, async (client) => {
    const { messages } = await client.status('INBOX', { messages: true }).then((status) => status || { messages: 0 });
    if ((messages ?? 0) < contents.length)
      throw new Error(`The server shows ${messages} of ${contents.length} messages`);
  });
};
