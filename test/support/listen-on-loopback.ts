import { once } from 'node:events';
import type { AddressInfo, Server } from 'node:net';

/** Has the server listen on a port of the loopback address that the system chooses; returns the port. */
export const listenOnLoopback = async (server: Server): Promise<number> => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
};
