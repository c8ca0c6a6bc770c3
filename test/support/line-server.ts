import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { listenOnLoopback } from './listen-on-loopback.ts';

/** What a server says to a line: text that is sent as it is, or undefined to end the connection. */
export type LineAnswer = (line: string, socket: Socket) => string | undefined;

export interface LineServer {
  readonly port: number;
  /** Every line of every connection, in order. */
  readonly lines: readonly string[];
  readonly stop: () => Promise<void>;
}

/**
 * A server without TLS that answers line by line, for what servers of other makers say. Literals of IMAP count as lines.
 *
 * @param greeting undefined: the connection is closed as soon as it stands
 */
export const startLineServer = async (
  greeting: string | undefined,
  createAnswer: () => LineAnswer,
): Promise<LineServer> => {
  const sockets = new Set<Socket>();
  const lines: string[] = [];
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
    if (greeting === undefined) {
      socket.end();
      return;
    }
    const answer = createAnswer();
    let waiting = '';
    socket.write(greeting);
    socket.on('data', (bytes) => {
      waiting += bytes.toString('latin1');
      for (let end = waiting.indexOf('\r\n'); end !== -1; end = waiting.indexOf('\r\n')) {
        const line = waiting.slice(0, end);
        waiting = waiting.slice(end + 2);
        lines.push(line);
        const said = answer(line, socket);
        if (said === undefined) socket.end();
        else socket.write(said, 'latin1');
      }
    });
  });
  const port = await listenOnLoopback(server);
  return {
    port,
    lines,
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
};
