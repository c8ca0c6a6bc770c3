import { execFile } from 'node:child_process';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Certificates } from './certificates.ts';
import { childEnvironment } from './child-environment.ts';
import { type GuardedProcess, runGuarded, startGuarded } from './guarded-process.ts';
import type { MailServerPorts, MailUser } from './mail-environment.ts';
import { waitForPorts } from './ports.ts';
import { isRoot } from './prerequisites.ts';

export type DovecotOptions = {
  readonly directory: string;
  readonly ports: MailServerPorts;
  readonly certificates: Certificates;
  readonly users: readonly MailUser[];
  /** Connections that one user may have from one address, by IMAP and by POP3 each; one more answers `[LIMIT]`. */
  readonly maxUserConnections: number;
  /** Takes access tokens besides passwords. */
  readonly oauth?: DovecotOAuth;
  readonly imap?: DovecotImap;
};

/** How IMAP servers differ. */
export type DovecotImap = {
  /** What stands before the name of every folder but the Inbox, its last character between the parts of a name []. */
  readonly prefix?: string;
  /** What the server says that it can, instead of all that it can. */
  readonly capabilities?: readonly string[];
};

/** Where Dovecot asks about access tokens (RFC 7662). */
export type DovecotOAuth = {
  /** With the name and secret of Dovecot's own client in it. */
  readonly introspectionUrl: string;
  /** A token with this scope is an application's and opens every mailbox. */
  readonly applicationScope: string;
};

/** A Dovecot of our own. */
export type Dovecot = {
  readonly logFile: string;
  readonly stop: () => Promise<void>;
  readonly start: () => Promise<void>;
  /** Runs `doveadm` with these arguments and returns what it prints. */
  readonly doveadm: (...args: string[]) => Promise<string>;
};

type Owners = {
  readonly internalUser: string;
  readonly loginUser: string;
  readonly group: string;
  readonly mailUser: string;
  readonly mailGroup: string;
};

// As root Dovecot drops to users of its own, and refuses root as owner of mail; else everything is the caller.
const findOwners = async (): Promise<Owners> => {
  if (isRoot()) {
    return {
      internalUser: 'dovecot',
      loginUser: 'dovenull',
      group: 'dovecot',
      mailUser: 'mail',
      mailGroup: 'mail',
    };
  }
  const { username, uid, gid } = userInfo();
  const { stdout } = await promisify(execFile)('id', ['-gn']);
  return {
    internalUser: username,
    loginUser: username,
    group: stdout.trim(),
    mailUser: String(uid),
    mailGroup: String(gid),
  };
};

// Chroot needs root; the servers here listen on loopback only and live for minutes.
const withoutChroot = ['anvil', 'stats', 'imap-login', 'pop3-login', 'submission-login']
  .map((service) => `service ${service} {\n  chroot =\n}`)
  .join('\n');

const listener = (service: string, name: string, port: number, isTls = false): string =>
  `service ${service} {\n  inet_listener ${name} {\n    port = ${port}\n${isTls ? '    ssl = yes\n' : ''}  }\n}`;

const specialFolders = ['Drafts', 'Sent', 'Trash', 'Junk', 'Archive']
  .map((name) => `  mailbox ${name} {\n    special_use = \\${name}\n    auto = subscribe\n  }`)
  .join('\n');

const folderNames = ({ prefix = '' }: DovecotImap): string =>
  `  separator = ${prefix.at(-1) ?? '/'}${prefix === '' ? '' : `\n  prefix = ${prefix}`}`;

const announced = ({ capabilities }: DovecotImap): string =>
  capabilities === undefined ? '' : `\n  imap_capability = ${capabilities.join(' ')}`;

const introspection = ({ introspectionUrl }: DovecotOAuth): string => `introspection_mode = post
introspection_url = ${introspectionUrl}
force_introspection = yes
active_attribute = active
active_value = true
`;

/** Tokens of accounts open the mailbox whose name they carry; both sides of the comparison are made by the format. */
const tokenFiles = (oauth: DovecotOAuth): Readonly<Record<string, string>> => ({
  'account-tokens.conf': `${introspection(oauth)}username_attribute = username\n`,
  'application-tokens.conf':
    `${introspection(oauth)}username_attribute = client_id\nusername_format = application\n` +
    `scope = ${oauth.applicationScope}\n`,
});

const tokenPassdbs = (directory: string, oauth: DovecotOAuth): string =>
  Object.keys(tokenFiles(oauth))
    .map((name) => `passdb {\n  driver = oauth2\n  mechanisms = xoauth2 oauthbearer\n  args = ${directory}/${name}\n}`)
    .join('\n');

const configuration = (
  { directory, ports, certificates, maxUserConnections, oauth, imap = {} }: DovecotOptions,
  owners: Owners,
): string => {
  return `base_dir = ${directory}/run
state_dir = ${directory}/state
instance_name = mailbox-sync-${ports.imap}
log_path = ${directory}/dovecot.log
protocols = imap pop3 lmtp submission
listen = 127.0.0.1
hostname = localhost
default_internal_user = ${owners.internalUser}
default_internal_group = ${owners.group}
default_login_user = ${owners.loginUser}
first_valid_uid = 1
${withoutChroot}
${listener('imap-login', 'imap', ports.imapStartTls)}
${listener('imap-login', 'imaps', ports.imap, true)}
${listener('pop3-login', 'pop3', ports.pop3StartTls)}
${listener('pop3-login', 'pop3s', ports.pop3, true)}
${listener('submission-login', 'submission', ports.dovecotSubmissionStartTls)}
${listener('lmtp', 'lmtp', ports.lmtp)}
${listener('auth', 'sasl', ports.sasl)}
# One process for all logins instead of one for each: they are many and short here.
service imap-login {
  service_count = 0
}
# Without this each wrong password would slow down every later login from the same address, by up to 15 seconds.
service anvil {
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
auth_failure_delay = 1 secs
ssl = required
ssl_cert = <${certificates.certificateFile}
ssl_key = <${certificates.keyFile}
disable_plaintext_auth = yes
auth_mechanisms = plain login${oauth === undefined ? '' : ' xoauth2 oauthbearer'}
auth_username_format = %Lu
${oauth === undefined ? '' : tokenPassdbs(directory, oauth)}
passdb {
  driver = passwd-file
  args = ${directory}/users
}
userdb {
  driver = passwd-file
  args = ${directory}/users
}
mail_location = maildir:~/maildir
mail_fsync = never
recipient_delimiter = +
namespace inbox {
  inbox = yes
${folderNames(imap)}
${specialFolders}
}
protocol imap {
  mail_max_userip_connections = ${maxUserConnections}${announced(imap)}
}
protocol pop3 {
  mail_max_userip_connections = ${maxUserConnections}
  pop3_uidl_format = %08Xu%08Xv
}
submission_relay_host = 127.0.0.1
submission_relay_port = ${ports.mx}
`;
};

/** Writes the configuration and starts Dovecot. */
export const startDovecot = async (options: DovecotOptions): Promise<Dovecot> => {
  const { directory, ports, users } = options;
  const owners = await findOwners();
  const configurationFile = join(directory, 'dovecot.conf');
  const logFile = join(directory, 'dovecot.log');
  await mkdir(join(directory, 'run'), { recursive: true });
  await mkdir(join(directory, 'state'), { recursive: true });
  await mkdir(join(directory, 'mail'), { recursive: true });
  // Dovecot walks down as the owner of the mail, which makes its own directories below this one.
  await chmod(join(directory, 'mail'), 0o777);
  const line = ({ username, password }: MailUser): string =>
    `${username}:{PLAIN}${password}:${owners.mailUser}:${owners.mailGroup}::${directory}/mail/${username}::`;
  await writeFile(join(directory, 'users'), `${users.map(line).join('\n')}\n`);
  await chmod(join(directory, 'users'), 0o644);
  const { oauth } = options;
  for (const [name, text] of Object.entries(oauth === undefined ? {} : tokenFiles(oauth))) {
    await writeFile(join(directory, name), text);
    await chmod(join(directory, name), 0o644);
  }
  await writeFile(configurationFile, configuration(options, owners));
  let running: GuardedProcess | undefined;
  const start = async (): Promise<void> => {
    running = startGuarded({
      name: 'Dovecot',
      file: 'dovecot',
      args: ['-F', '-c', configurationFile],
      environment: childEnvironment(),
      workingDirectory: directory,
      logFile: join(directory, 'output.log'),
    });
    try {
      await waitForPorts(running, [ports.imap, ports.pop3, ports.lmtp, ports.sasl]);
    } catch (error) {
      await running.stop();
      const log = await readFile(logFile, 'utf8').catch(() => '');
      throw new Error(`${(error as Error).message}\n${log}`);
    }
  };
  await start();
  let commands = 0;
  const doveadm = async (...args: string[]): Promise<string> => {
    commands += 1;
    const output = join(directory, `doveadm-${commands}.log`);
    await runGuarded({
      name: 'doveadm',
      file: 'doveadm',
      args: ['-c', configurationFile, ...args],
      environment: childEnvironment(),
      workingDirectory: directory,
      logFile: output,
    });
    return await readFile(output, 'utf8');
  };
  return { logFile, start, stop: async () => await running?.stop(), doveadm };
};
