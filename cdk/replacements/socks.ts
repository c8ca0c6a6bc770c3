/** Takes the place of `socks` in the bundles: sockets come from our dialler, which goes through no proxy. */
export const SocksClient = {
  createConnection: (): never => {
    throw new Error('There is no proxy');
  },
};
