import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { MailServers, MailUser } from '../../support/mail-servers.ts';
import { runProgram } from './run-program.ts';

/** Pulls the Inbox into a new Maildir with mbsync; returns the seconds that it took. */
export const pullWithMbsync = async (
  { environment }: MailServers,
  user: MailUser,
  expected: number,
): Promise<number> => {
  const directory = await mkdtemp(join(tmpdir(), 'mbsync-'));
  try {
    await mkdir(join(directory, 'mail'));
    await writeFile(join(directory, 'authority.pem'), environment.caCertificate);
    const configuration = `
FSync no
IMAPAccount server
Host localhost
Port ${environment.imap.port}
User ${user.username}
Pass ${user.password}
SSLType IMAPS
CertificateFile ${directory}/authority.pem
AuthMechs LOGIN

IMAPStore far
Account server

MaildirStore near
Path ${directory}/mail/
Inbox ${directory}/mail/INBOX

Channel pull
Far :far:
Near :near:
Patterns INBOX
Create Near
Sync PullNew
SyncState *
`;
    const file = join(directory, 'mbsyncrc');
    await writeFile(file, configuration);
    const seconds = await runProgram('mbsync', ['-q', '-c', file, 'pull'], { debianPackage: 'isync' });
    const folders = ['new', 'cur'].map((name) => readdir(join(directory, 'mail', 'INBOX', name)));
    const pulled = (await Promise.all(folders)).flat().length;
    if (pulled !== expected) throw new Error(`mbsync pulled ${pulled} of ${expected} messages`);
    return seconds;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
};
