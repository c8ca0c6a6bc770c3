import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { connect, createServer, type TLSSocket } from 'node:tls';
import { createCertificates } from '../../local/certificates.ts';
import type { MailEndpoint, MailEnvironment } from '../../local/mail-environment.ts';
import { createRunDirectory } from '../../local/paths.ts';
import { LineCutter } from '../fault/proxy/dialogue.ts';
import { listenOnLoopback } from './listen-on-loopback.ts';

/** Stands between a client and an IMAP server, with TLS to both, and keeps back what the server says of some messages. */
export interface WithholdingImapProxy {
  readonly endpoint: MailEndpoint;
  /** PEM of the authority to trust besides that of the servers. */
  readonly caCertificate: string;
  /**
   * Of these UIDs answers to FETCH are kept back: all of them, or those with whole messages only. `command`: the server
   * says BAD instead of the first of them, and nothing of what was to come behind it, as Exchange does.
   */
  withhold: { readonly uids: readonly number[]; readonly what: 'everything' | 'messages' | 'command' };
  /** Done once, before the next FETCH reaches the server. */
  beforeFetch: (() => Promise<void>) | undefined;
  /** What is told in the place of each other answer (latin1). */
  changeAnswer: ((answer: string) => string) | undefined;
  readonly stop: () => Promise<void>;
}

const fetchAnswer = /^\* \d+ FETCH \(UID (\d+) /;
const tagged = /^([^*+ ]+) OK /;
const literalMark = /\{(\d+)\}\r\n$/;

export const startWithholdingImapProxy = async (mail: MailEnvironment): Promise<WithholdingImapProxy> => {
  const run = await createRunDirectory();
  const { authority, certificateFile, keyFile } = await createCertificates(run.path);
  const sockets = new Set<TLSSocket>();

  const relay = (client: TLSSocket): void => {
    const server = connect({ host: mail.imap.host, port: mail.imap.port, rejectUnauthorized: false });
    for (const socket of [client, server]) {
      sockets.add(socket);
      const cut = () => [client, server].map((one) => one.destroy());
      socket.on('error', cut);
      socket.on('close', () => {
        sockets.delete(socket);
        cut();
      });
    }
    let sent = Promise.resolve();
    client.on('data', (data: Buffer) => {
      sent = sent.then(async () => {
        if (data.includes('UID FETCH')) {
          const before = proxy.beforeFetch;
          proxy.beforeFetch = undefined;
          await before?.();
        }
        server.write(data);
      });
    });
    const cutter = new LineCutter();
    let isRefusing = false;
    let answer: Buffer[] = [];
    server.on('data', (data: Buffer) => {
      cutter.push(data);
      for (let part = cutter.take(); part !== undefined; part = cutter.take()) {
        answer.push(part.bytes);
        if (part.kind === 'raw') continue;
        const [, bytes] = literalMark.exec(part.bytes.toString('latin1')) ?? [];
        if (bytes !== undefined) {
          cutter.expectRaw(Number(bytes));
          continue;
        }
        const whole = Buffer.concat(answer).toString('latin1');
        answer = [];
        const isKept = isWithheld(whole);
        isRefusing ||= isKept && proxy.withhold.what === 'command';
        const [, tag] = tagged.exec(whole) ?? [];
        if (isRefusing && tag !== undefined) {
          isRefusing = false;
          client.write(`${tag} BAD Command Error. 12\r\n`);
        } else if (!isKept && !isRefusing) client.write(proxy.changeAnswer?.(whole) ?? whole, 'latin1');
      }
    });
  };
  const isWithheld = (answer: string): boolean => {
    const { uids, what } = proxy.withhold;
    const uid = Number(fetchAnswer.exec(answer)?.[1]);
    return uids.includes(uid) && (what !== 'messages' || answer.includes('BODY[]'));
  };

  const listener = createServer({ cert: await readFile(certificateFile), key: await readFile(keyFile) }, relay);
  const port = await listenOnLoopback(listener);
  const proxy: WithholdingImapProxy = {
    endpoint: { host: '127.0.0.1', port, security: 'tls' },
    caCertificate: authority,
    withhold: { uids: [], what: 'everything' },
    beforeFetch: undefined,
    changeAnswer: undefined,
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      listener.close();
      await once(listener, 'close');
      await run.remove();
    },
  };
  return proxy;
};
