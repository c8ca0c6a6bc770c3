import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { listenOnLoopback } from './listen-on-loopback.ts';

export type SilentServer = {
  readonly port: number;
  /** Connections that are open now. */
  readonly openConnections: () => number;
  readonly stop: () => Promise<void>;
};

/** A server that accepts connections and never says a word; with `greeting`, one that says that and nothing after it. */
export const startSilentServer = async (greeting?: string): Promise<SilentServer> => {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
    socket.resume();
    if (greeting !== undefined) socket.write(greeting);
  });
  const port = await listenOnLoopback(server);
  return {
    port,
    openConnections: () => sockets.size,
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
};
