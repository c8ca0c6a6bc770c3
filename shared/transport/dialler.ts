import { lookup } from 'node:dns/promises';
import { isIP, isIPv4 } from 'node:net';
import type { Dialler } from './connection.ts';
import type { HostPolicy } from './host-policy.ts';
import { TransportError } from './transport-error.ts';

const withinSeconds = async <Value>(work: Promise<Value>, seconds: number, host: string): Promise<Value> => {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(
    () =>
      reject(
        new TransportError('timedOut', {
          class: 'transient',
          level: 'profile',
          detail: `The name ${host} was not resolved within ${seconds} s`,
        }),
      ),
    seconds * 1000,
  );
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
};

/** The addresses of a name. */
export type LookupAddresses = (host: string) => Promise<readonly string[]>;

const systemLookup: LookupAddresses = async (host) => (await lookup(host, { all: true })).map(({ address }) => address);

/**
 * One of a name's addresses. Any of them, since the next attempt then finds another one where one machine of several is
 * down. IPv6 only where there is nothing else: a function has a way out by it only in a subnet that was given one.
 */
const choose = (addresses: readonly string[], random: number): string | undefined => {
  const ofVersion4 = addresses.filter((address) => isIPv4(address));
  const candidates = ofVersion4.length > 0 ? ofVersion4 : addresses;
  return candidates[Math.floor(random * candidates.length)];
};

/** Resolves names and refuses what the policy does not allow; the caller connects to the address that it returns. */
export const createDialler = (
  policy: HostPolicy,
  lookupAddresses: LookupAddresses = systemLookup,
  random: () => number = Math.random,
): Dialler => ({
  resolve: async (host, timeoutSeconds) => {
    const refuse = (address: string): never => {
      throw new TransportError('hostNotAllowed', {
        class: 'permanent',
        level: 'profile',
        detail:
          host === address
            ? `${host} may not be connected to`
            : `${host} stands for an address that may not be connected to`,
      });
    };
    if (isIP(host) !== 0) return policy.allows(host) ? { address: host, serverName: host } : refuse(host);
    const addresses = await withinSeconds(
      lookupAddresses(host).catch((error: unknown) => {
        throw new TransportError('connectFailed', {
          class: 'transient',
          level: 'profile',
          detail: `The name ${host} cannot be resolved`,
          cause: 'The name is wrong, or the name service does not answer',
          error,
        });
      }),
      timeoutSeconds,
      host,
    );
    const address = choose(addresses, random());
    if (address === undefined)
      throw new TransportError('connectFailed', {
        class: 'transient',
        level: 'profile',
        detail: `The name ${host} has no address`,
      });
    // One refused address among several refuses the name: it may be what the name is moved to next.
    for (const one of addresses) if (!policy.allows(one)) refuse(one);
    return { address, serverName: host };
  },
});
