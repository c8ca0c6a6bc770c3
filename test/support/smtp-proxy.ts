import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { connect, createServer, type TLSSocket } from 'node:tls';
import { createCertificates } from '../../local/certificates.ts';
import type { MailEndpoint, MailEnvironment } from '../../local/mail-environment.ts';
import { createRunDirectory } from '../../local/paths.ts';
import { listenOnLoopback } from './listen-on-loopback.ts';

/**
 * pass: everything goes through · loseAnswer: the message goes through, and the connection breaks instead of the
 * server's answer to its end · keepAnswer: the server's answer to the end of the message is held back for ever ·
 * breakMessage: the connection breaks in the middle of the message, before its end · busy: 421 to each sender
 */
export type ProxyMode = 'pass' | 'loseAnswer' | 'keepAnswer' | 'breakMessage' | 'busy';

/** Stands between a client and a submission server, with TLS to both, and can break a session where it hurts most. */
export interface SmtpProxy {
  readonly endpoint: MailEndpoint;
  /** PEM of the authority to trust besides that of the servers. */
  readonly caCertificate: string;
  mode: ProxyMode;
  /** Extensions that the server offers and this proxy keeps to itself. */
  hidden: readonly string[];
  /** Messages that the server has answered in full, in whatever mode. */
  readonly answered: () => number;
  /** The commands of mail transactions, as clients gave them. */
  readonly commands: () => readonly string[];
  readonly stop: () => Promise<void>;
}

const endOfMessage = Buffer.from('\r\n.\r\n');

export const startSmtpProxy = async (mail: MailEnvironment): Promise<SmtpProxy> => {
  const run = await createRunDirectory();
  const { authority, certificateFile, keyFile } = await createCertificates(run.path);
  const sockets = new Set<TLSSocket>();
  let mode: ProxyMode = 'pass';
  let answered = 0;
  let hidden: readonly string[] = [];
  const commands: string[] = [];

  const withoutHidden = (answer: Buffer): Buffer =>
    hidden.length === 0
      ? answer
      : Buffer.from(
          answer.toString('latin1').replace(new RegExp(`^(250[ -])(?=${hidden.join('|')})`, 'gm'), '$1NO'),
          'latin1',
        );

  const relay = (client: TLSSocket): void => {
    const server = connect({ host: mail.submission.host, port: mail.submission.port, rejectUnauthorized: false });
    const both = [client, server];
    const cut = (): void => {
      for (const socket of both) socket.destroy();
    };
    for (const socket of both) {
      sockets.add(socket);
      socket.on('error', cut);
      socket.on('close', () => {
        sockets.delete(socket);
        cut();
      });
    }
    let phase: 'commands' | 'message' | 'end' = 'commands';
    let tail = Buffer.alloc(0);
    client.on('data', (data: Buffer) => {
      if (phase === 'message') {
        if (mode === 'breakMessage') return cut();
        tail = Buffer.concat([tail, data]).subarray(-endOfMessage.length);
        if (tail.equals(endOfMessage)) phase = 'end';
      } else if (mode === 'busy' && /^MAIL /m.test(data.toString('latin1'))) {
        client.end('421 4.3.2 Too busy, come back later\r\n');
        return;
      }
      if (phase === 'commands')
        commands.push(
          ...data
            .toString('utf8')
            .split('\r\n')
            .filter((line) => /^(?:MAIL|RCPT) /.test(line)),
        );
      server.write(data);
    });
    server.on('data', (data: Buffer) => {
      if (phase === 'end') {
        phase = 'commands';
        answered += 1;
        if (mode === 'loseAnswer') return cut();
        if (mode === 'keepAnswer') return;
      } else if (/^354[ -]/m.test(data.toString('latin1'))) {
        phase = 'message';
        tail = Buffer.alloc(0);
      }
      client.write(phase === 'commands' ? withoutHidden(data) : data);
    });
  };

  const server = createServer({ cert: await readFile(certificateFile), key: await readFile(keyFile) }, relay);
  const port = await listenOnLoopback(server);
  return {
    endpoint: { host: '127.0.0.1', port, security: 'tls' },
    caCertificate: authority,
    get mode() {
      return mode;
    },
    set mode(next) {
      mode = next;
    },
    get hidden() {
      return hidden;
    },
    set hidden(next) {
      hidden = next;
    },
    answered: () => answered,
    commands: () => commands,
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
      await run.remove();
    },
  };
};
