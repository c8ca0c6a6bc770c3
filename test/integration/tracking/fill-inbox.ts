import { chmodSync, chownSync, linkSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { MailServers, MailUser } from '../../support/mail-servers.ts';
import { withMailbox } from '../../support/mailbox-client.ts';

const maildirOf = ({ dovecot }: MailServers, user: MailUser): string =>
  join(dirname(dovecot.logFile), 'mail', user.username, 'maildir');

/**
 * Takes away the right to look into a folder until the test ends; the server goes on listing it.
 *
 * @returns gives the right back before that
 */
export const closeFolder = (servers: MailServers, user: MailUser, folder: string): (() => void) => {
  const path = join(maildirOf(servers, user), `.${folder}`);
  const { mode } = statSync(path);
  chmodSync(path, 0o000);
  const open = (): void => chmodSync(path, mode);
  onTestFinished(open);
  return open;
};

export interface FilledMail {
  readonly count: number;
  readonly receivedAt: Date;
  readonly messageOf: (number: number) => string;
  /** How many in a row are one file under many names [1]: they are equal, and cost next to nothing. */
  readonly copies?: number;
}

/** Puts mail into the Inbox behind the server's back, as files of its maildir: through the server it would take minutes. */
export const fillInbox = async (servers: MailServers, user: MailUser, mail: readonly FilledMail[]): Promise<void> => {
  const maildir = maildirOf(servers, user);
  // The server makes the directory, and so says to whom it belongs.
  await withMailbox(servers.environment, user, (client) => client.mailboxOpen('INBOX'));
  const { uid, gid } = statSync(maildir);
  for (const [part, { count, receivedAt, messageOf, copies = 1 }] of mail.entries()) {
    let [file, size] = ['', 0];
    for (let number = 0; number < count; number += 1) {
      const isFirst = number % copies === 0;
      const message = isFirst ? messageOf(number) : '';
      if (isFirst) size = message.length;
      const name = `${part + 1}${String(number).padStart(7, '0')}.P1.localhost,S=${size},W=${size}:2,`;
      const path = join(maildir, 'cur', name);
      if (isFirst) {
        writeFileSync(path, message, 'latin1');
        chownSync(path, uid, gid);
        utimesSync(path, receivedAt, receivedAt);
        file = path;
      } else linkSync(file, path);
    }
  }
};
