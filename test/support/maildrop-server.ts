import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { listenOnLoopback } from './listen-on-loopback.ts';

export interface StoredMessage {
  readonly content: string | Buffer;
  /** Its lasting name [`id-<number>`]. */
  readonly uidl?: string;
}

export interface MaildropServerOptions {
  readonly greeting?: string;
  /** What CAPA lists [TOP, UIDL, USER, PIPELINING]; null: the command is not known. */
  readonly capabilities?: readonly string[] | null;
  /** Asked at the beginning of each session. */
  readonly messages?: () => readonly StoredMessage[];
  /** Whether the answer to a command is sent a byte at a time, five a second. */
  readonly drip?: (command: string) => boolean;
  /** What is sent instead of the server's own answer to a command; undefined: that answer. */
  readonly answer?: (command: string, session: number) => string | Buffer | undefined;
}

export interface MaildropServer {
  readonly port: number;
  /** Every command of every session, in order. */
  readonly commands: string[];
  /** Bytes are sent in pieces of so many from now on [all at once]. */
  pieceBytes: number;
  readonly stop: () => Promise<void>;
}

const stuff = (content: string | Buffer): Buffer => {
  const text = (typeof content === 'string' ? Buffer.from(content) : content).toString('latin1');
  const lines = `\r\n${text}`.replaceAll('\r\n.', '\r\n..').slice(2);
  return Buffer.from(`${lines}${lines === '' || lines.endsWith('\r\n') ? '' : '\r\n'}.\r\n`, 'latin1');
};

const headerOf = (content: string | Buffer): string => {
  const text = content.toString('latin1');
  const end = text.indexOf('\r\n\r\n');
  return end === -1 ? text : text.slice(0, end + 4);
};

const list = (lines: readonly string[]): string => `+OK\r\n${lines.map((line) => `${line}\r\n`).join('')}.\r\n`;

/**
 * A POP3 server without TLS over messages in memory, for what a well-behaved server never does: names that change,
 * commands that are missing, answers that break off or never end. Any login is let in.
 */
export const startMaildropServer = async (options: MaildropServerOptions = {}): Promise<MaildropServer> => {
  const { greeting = '+OK ready', capabilities = ['TOP', 'UIDL', 'USER', 'PIPELINING'] } = options;
  const sockets = new Set<Socket>();
  const commands: string[] = [];
  let sessions = 0;

  const answerTo = (command: string, messages: readonly StoredMessage[]): string | Buffer => {
    const [verb = '', argument = ''] = command.split(' ');
    const message = messages[Number(argument) - 1];
    switch (verb.toUpperCase()) {
      case 'CAPA':
        return capabilities === null ? '-ERR what?\r\n' : list(capabilities);
      case 'LIST':
        return list(messages.map(({ content }, index) => `${index + 1} ${content.length}`));
      case 'UIDL':
        return list(messages.map(({ uidl }, index) => `${index + 1} ${uidl ?? `id-${index + 1}`}`));
      case 'TOP':
      case 'RETR':
        if (message === undefined) return '-ERR no such message\r\n';
        return Buffer.concat([
          Buffer.from('+OK\r\n'),
          stuff(verb.toUpperCase() === 'TOP' ? Buffer.from(headerOf(message.content), 'latin1') : message.content),
        ]);
      case 'USER':
      case 'PASS':
      case 'DELE':
      case 'NOOP':
      case 'QUIT':
        return '+OK\r\n';
      default:
        return '-ERR what?\r\n';
    }
  };

  const server = createServer((socket) => {
    sessions += 1;
    const session = sessions;
    const messages = options.messages?.() ?? [];
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
    let waiting = '';
    let last = Promise.resolve();
    const say = (answer: string | Buffer, drips = false): void => {
      const bytes = typeof answer === 'string' ? Buffer.from(answer, 'latin1') : answer;
      const size = drips ? 1 : maildrop.pieceBytes;
      last = last.then(async () => {
        for (let start = 0; start < bytes.length && !socket.destroyed; start += size) {
          socket.write(bytes.subarray(start, start + size));
          if (size < bytes.length)
            await new Promise((resolve) => (drips ? setTimeout(resolve, 200) : setImmediate(resolve)));
        }
      });
    };
    say(`${greeting}\r\n`);
    socket.on('data', (bytes) => {
      waiting += bytes.toString('utf8');
      for (let end = waiting.indexOf('\r\n'); end !== -1; end = waiting.indexOf('\r\n')) {
        const command = waiting.slice(0, end);
        waiting = waiting.slice(end + 2);
        commands.push(command);
        say(options.answer?.(command, session) ?? answerTo(command, messages), options.drip?.(command) ?? false);
        if (command.toUpperCase() === 'QUIT') void last.then(() => socket.end());
      }
    });
  });
  const port = await listenOnLoopback(server);
  const maildrop: MaildropServer = {
    port,
    commands,
    pieceBytes: Number.POSITIVE_INFINITY,
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
  return maildrop;
};
