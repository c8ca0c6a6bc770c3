import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { MailServers, MailUser } from '../../support/mail-servers.ts';
import { runProgram } from './run-program.ts';

/** Pulls the maildrop into a new Maildir with mpop, and leaves it as it is; returns the seconds that it took. */
export const pullWithMpop = async ({ environment }: MailServers, user: MailUser, expected: number): Promise<number> => {
  // It has every message written through to the disk; where that is memory it costs nothing, as with state in memory.
  const directory = await mkdtemp(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'mpop-'));
  try {
    for (const name of ['new', 'cur', 'tmp']) await mkdir(join(directory, 'mail', name), { recursive: true });
    await writeFile(join(directory, 'authority.pem'), environment.caCertificate);
    const configuration = `
account default
host localhost
port ${environment.pop3.port}
tls on
tls_starttls off
tls_trust_file ${directory}/authority.pem
user ${user.username}
password ${user.password}
auth plain
pipelining on
keep on
uidls_file ${directory}/uidls
delivery maildir ${directory}/mail
`;
    const file = join(directory, 'mpoprc');
    await writeFile(file, configuration, { mode: 0o600 });
    const seconds = await runProgram('mpop', ['-q', '-C', file], { debianPackage: 'mpop' });
    const pulled = (await readdir(join(directory, 'mail', 'new'))).length;
    if (pulled !== expected) throw new Error(`mpop pulled ${pulled} of ${expected} messages`);
    return seconds;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
};
