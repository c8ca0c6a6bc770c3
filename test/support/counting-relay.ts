import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import type { MailEndpoint } from '../../local/mail-environment.ts';
import { listenOnLoopback } from './listen-on-loopback.ts';

/** Passes connections on to a server as they are, and counts them. */
export interface CountingRelay {
  readonly endpoint: MailEndpoint;
  /** How many clients had open at once at most: from when the connection is made to when the client ends it. */
  readonly highest: () => number;
  readonly stop: () => Promise<void>;
}

/**
 * Stands before the server, since its own log tells of a connection's end some time after it: another process writes
 * that, which may be late enough for the next login to be told before.
 */
export const startCountingRelay = async (target: MailEndpoint): Promise<CountingRelay> => {
  const clients = new Set<Socket>();
  const open = new Set<Socket>();
  let highest = 0;
  const server = createServer((client) => {
    clients.add(client);
    open.add(client);
    highest = Math.max(highest, open.size);
    const upstream = connect({ host: target.host, port: target.port });
    client.once('end', () => open.delete(client));
    client.once('close', () => {
      open.delete(client);
      clients.delete(client);
      upstream.destroy();
    });
    for (const socket of [client, upstream]) socket.on('error', () => client.destroy());
    client.pipe(upstream).pipe(client);
  });
  const port = await listenOnLoopback(server);
  return {
    endpoint: { ...target, host: '127.0.0.1', port },
    highest: () => highest,
    stop: async () => {
      for (const client of clients) client.destroy();
      server.close();
      await once(server, 'close');
    },
  };
};
