import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';

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
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The server has no port');
  return {
    port: address.port,
    openConnections: () => sockets.size,
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
};
