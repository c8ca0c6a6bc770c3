import { Socket } from 'node:net';

const loopback = '127.0.0.1';

/** A copy: the caller's own options name its connections to it, and must stay as they are. */
const withAddress = (options: unknown, localAddress: string): unknown =>
  typeof options === 'object' && options !== null && 'host' in options && options.host === loopback
    ? { ...options, localAddress }
    : options;

/** Gives every connection of this process to the loopback address a source address of its own, by which proxies know it. */
export const bindSourceAddress = (localAddress: string): void => {
  const connect = Socket.prototype.connect;
  Socket.prototype.connect = function (this: Socket, ...args: unknown[]) {
    const [first, ...others] = args;
    // Node's own callers hand over one array, marked by a symbol, of options and callback.
    const changed = Array.isArray(first)
      ? Object.assign([...first], pickSymbols(first), { 0: withAddress(first[0], localAddress) })
      : withAddress(first, localAddress);
    return Reflect.apply(connect, this, [changed, ...others]) as Socket;
  } as typeof connect;
};

const pickSymbols = (from: object): object =>
  Object.fromEntries(
    Object.getOwnPropertySymbols(from).map((symbol) => [symbol, (from as Record<symbol, unknown>)[symbol]]),
  );
