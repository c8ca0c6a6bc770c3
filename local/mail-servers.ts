import { randomBytes } from 'node:crypto';
import { chmod, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createCertificates } from './certificates.ts';
import { type Dovecot, type DovecotImap, type DovecotOAuth, startDovecot } from './dovecot.ts';
import {
  demoAddresses,
  demoDomain,
  type MailEndpoint,
  type MailEnvironment,
  type MailServerPorts,
} from './mail-environment.ts';
import { choosePort } from './ports.ts';
import { type Postfix, startPostfix } from './postfix.ts';

export type MailServersOptions = {
  readonly runDirectory: string;
  /** Addresses of the users, each with a mailbox of its own [the demo users]. */
  readonly addresses?: readonly string[];
  /** Connections that one login may have open by IMAP, and by POP3 [20]. */
  readonly maxUserConnections?: number;
  /** Bytes of a message that Postfix takes [50 MiB]. */
  readonly messageSizeLimit?: number;
  /** Whose address a login may send from besides its own: address → addresses of the logins. */
  readonly sendAs?: Readonly<Record<string, readonly string[]>>;
  /** Takes access tokens besides passwords, in Postfix as in Dovecot. */
  readonly oauth?: DovecotOAuth;
  readonly imap?: DovecotImap;
};

/** A Dovecot and a Postfix that work together. */
export type MailServers = {
  readonly environment: MailEnvironment;
  readonly dovecot: Dovecot;
  readonly postfix: Postfix;
  readonly stop: () => Promise<void>;
};

const choosePorts = async (): Promise<MailServerPorts> => ({
  imap: await choosePort('IMAP_PORT'),
  imapStartTls: await choosePort('IMAP_STARTTLS_PORT'),
  pop3: await choosePort('POP3_PORT'),
  pop3StartTls: await choosePort('POP3_STARTTLS_PORT'),
  submission: await choosePort('SUBMISSION_PORT'),
  submissionStartTls: await choosePort('SUBMISSION_STARTTLS_PORT'),
  dovecotSubmissionStartTls: await choosePort('DOVECOT_SUBMISSION_STARTTLS_PORT'),
  mx: await choosePort('MX_PORT'),
  lmtp: await choosePort(),
  sasl: await choosePort(),
});

const endpoint = (port: number, security: MailEndpoint['security']): MailEndpoint => ({
  host: '127.0.0.1',
  port,
  security,
});

/** Starts Dovecot and Postfix with a certificate of their own; one that fails to start stops the other. */
export const startMailServers = async (options: MailServersOptions): Promise<MailServers> => {
  const directory = join(options.runDirectory, 'mail');
  await mkdir(directory, { recursive: true });
  // The servers give up their privileges and must be able to enter.
  for (const path of [options.runDirectory, directory]) await chmod(path, 0o755);
  const certificates = await createCertificates(join(directory, 'certificates'));
  const ports = await choosePorts();
  const users = (options.addresses ?? demoAddresses).map((address) => ({
    address,
    username: address,
    password: randomBytes(12).toString('hex'),
  }));
  const dovecot = await startDovecot({
    directory: join(directory, 'dovecot'),
    ports,
    certificates,
    users,
    maxUserConnections: options.maxUserConnections ?? 20,
    ...(options.oauth === undefined ? {} : { oauth: options.oauth }),
    ...(options.imap === undefined ? {} : { imap: options.imap }),
  });
  let postfix: Postfix;
  try {
    postfix = await startPostfix({
      directory: join(directory, 'postfix'),
      ports,
      certificates,
      users,
      sendAs: options.sendAs ?? {},
      messageSizeLimit: options.messageSizeLimit ?? 52_428_800,
    });
  } catch (error) {
    await dovecot.stop();
    throw error;
  }
  return {
    environment: {
      domain: demoDomain,
      caCertificate: certificates.authority,
      users,
      imap: endpoint(ports.imap, 'tls'),
      imapStartTls: endpoint(ports.imapStartTls, 'startTls'),
      pop3: endpoint(ports.pop3, 'tls'),
      pop3StartTls: endpoint(ports.pop3StartTls, 'startTls'),
      submission: endpoint(ports.submission, 'tls'),
      submissionStartTls: endpoint(ports.submissionStartTls, 'startTls'),
      dovecotSubmissionStartTls: endpoint(ports.dovecotSubmissionStartTls, 'startTls'),
      mx: { host: '127.0.0.1', port: ports.mx },
    },
    dovecot,
    postfix,
    stop: async () => {
      await Promise.all([postfix.stop(), dovecot.stop()]);
    },
  };
};
