import { chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Certificates } from './certificates.ts';
import { childEnvironment } from './child-environment.ts';
import { type Command, type GuardedProcess, runGuarded, startGuarded } from './guarded-process.ts';
import { bounceDomain, deferredDomain, type MailServerPorts, type MailUser } from './mail-environment.ts';
import { waitForPorts } from './ports.ts';
import { isRoot } from './prerequisites.ts';

export type PostfixOptions = {
  readonly directory: string;
  readonly ports: MailServerPorts;
  readonly certificates: Certificates;
  readonly users: readonly MailUser[];
  /** Whose address a login may send from besides its own: address → usernames. */
  readonly sendAs: Readonly<Record<string, readonly string[]>>;
  readonly messageSizeLimit: number;
};

/** A Postfix of our own. */
export type Postfix = {
  readonly logFile: string;
  readonly stop: () => Promise<void>;
  readonly start: () => Promise<void>;
  /** Messages that it has taken and not handed over yet. */
  readonly queuedMessages: () => Promise<number>;
};

/** A command as root, or as root of a user namespace. */
const asRoot = (file: string, ...args: readonly string[]): Pick<Command, 'file' | 'args'> =>
  isRoot() ? { file, args } : { file: 'unshare', args: ['--map-root-user', '--map-auto', file, ...args] };

const domainOf = (address: string): string => address.slice(address.lastIndexOf('@') + 1);

const mainConfiguration = ({ directory, ports, certificates, users, messageSizeLimit }: PostfixOptions): string => `
compatibility_level = 3.6
queue_directory = ${directory}/spool
data_directory = ${directory}/data
maillog_file = ${directory}/postfix.log
maillog_file_prefixes = ${directory}
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = mail.local.test
mydestination =
mynetworks =
local_recipient_maps =
alias_maps =
virtual_mailbox_domains = ${[...new Set(users.map(({ address }) => domainOf(address)))].join(' ')}
virtual_mailbox_maps = texthash:${directory}/etc/recipients
virtual_transport = lmtp:inet:127.0.0.1:${ports.lmtp}
recipient_delimiter = +
transport_maps = texthash:${directory}/etc/transport
default_transport = error:5.4.4 this server sends nothing outside
smtp_tls_security_level = none
smtp_dns_support_level = disabled
smtp_host_lookup = native
lmtp_host_lookup = native
smtpd_peername_lookup = no
message_size_limit = ${messageSizeLimit}
mailbox_size_limit = 0
virtual_mailbox_limit = 0
smtputf8_enable = yes
smtpd_tls_cert_file = ${certificates.certificateFile}
smtpd_tls_key_file = ${certificates.keyFile}
smtpd_tls_security_level = may
smtpd_sasl_type = dovecot
smtpd_sasl_path = inet:127.0.0.1:${ports.sasl}
smtpd_sasl_security_options = noanonymous
smtpd_sender_login_maps = texthash:${directory}/etc/senders
smtpd_relay_restrictions = check_recipient_access texthash:${directory}/etc/refusals, permit_sasl_authenticated, reject_unauth_destination
# What Dovecot did not take, being stopped for a moment, is tried again soon.
minimal_backoff_time = 5s
maximal_backoff_time = 10s
queue_run_delay = 5s
transport_retry_time = 5s
bounce_queue_lifetime = 5m
maximal_queue_lifetime = 5m
`;

const submissionSettings = [
  'smtpd_sasl_auth_enable=yes',
  'smtpd_client_restrictions=permit_sasl_authenticated,reject',
  'smtpd_sender_restrictions=reject_sender_login_mismatch',
]
  .map((setting) => `-o ${setting}`)
  .join(' ');

const services = ({ ports }: PostfixOptions): string => `
127.0.0.1:${ports.mx} inet n - n - - smtpd
127.0.0.1:${ports.submissionStartTls} inet n - n - - smtpd -o smtpd_tls_security_level=encrypt ${submissionSettings}
127.0.0.1:${ports.submission} inet n - n - - smtpd -o smtpd_tls_wrappermode=yes ${submissionSettings}
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
proxywrite unix - - n - 1 proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
`;

const senders = ({ users, sendAs }: PostfixOptions): string => {
  const owners = new Map(users.map(({ address, username }) => [address, [username]]));
  for (const [address, usernames] of Object.entries(sendAs)) {
    owners.set(address, [...(owners.get(address) ?? []), ...usernames]);
  }
  return [...owners].map(([address, usernames]) => `${address} ${usernames.join(',')}`).join('\n');
};

/** Writes the configuration and starts Postfix, as root or as root of a user namespace. */
export const startPostfix = async (options: PostfixOptions): Promise<Postfix> => {
  const { directory, ports, users } = options;
  const file = (name: string): string => join(directory, 'etc', name);
  for (const name of ['etc', 'spool', 'data']) await mkdir(join(directory, name), { recursive: true });
  await chmod(directory, 0o755);
  const write = (name: string, text: string): Promise<void> => writeFile(file(name), `${text.trim()}\n`);
  await write('main.cf', mainConfiguration(options));
  await write('master.cf', services(options));
  await write('recipients', users.map(({ address }) => `${address} yes`).join('\n'));
  await write('senders', senders(options));
  await write('refusals', `${deferredDomain} 450 4.3.0 come back later`);
  // The MX relays for nobody, so what is handed to it for this domain is refused and comes back to its sender.
  await write('transport', `${bounceDomain} smtp:[127.0.0.1]:${ports.mx}`);
  // Not `postfix start-fg`: its shell would end before the master that it started, in mid-work.
  const script = `set -e
chown postfix '${directory}/data'
export MAIL_CONFIG='${directory}/etc'
postfix -c "$MAIL_CONFIG" check
exec "$(postconf -h daemon_directory)/master" -c "$MAIL_CONFIG" -d`;
  let running: GuardedProcess | undefined;
  const start = async (): Promise<void> => {
    running = startGuarded({
      name: 'Postfix',
      ...asRoot('/bin/sh', '-c', script),
      environment: childEnvironment(),
      workingDirectory: directory,
      logFile: join(directory, 'postfix.log'),
    });
    try {
      await waitForPorts(running, [ports.mx, ports.submission, ports.submissionStartTls]);
    } catch (error) {
      await running.stop();
      throw error;
    }
  };
  await start();
  let looks = 0;
  const queuedMessages = async (): Promise<number> => {
    looks += 1;
    const output = join(directory, `queue-${looks}.log`);
    // In the order in which messages go from one to the next, so that none is overlooked on its way.
    const stations = ['maildrop', 'incoming', 'active', 'deferred', 'active'];
    await runGuarded({
      name: 'find',
      ...asRoot('find', ...stations, '-ignore_readdir_race', '-type', 'f'),
      environment: childEnvironment(),
      workingDirectory: join(directory, 'spool'),
      logFile: output,
    });
    const paths = (await readFile(output, 'utf8')).split('\n').filter((path) => path !== '');
    await rm(output);
    return new Set(paths.map((path) => basename(path))).size;
  };
  const logFile = join(directory, 'postfix.log');
  return { logFile, start, stop: async () => await running?.stop(), queuedMessages };
};
