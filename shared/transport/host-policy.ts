import ipaddr from 'ipaddr.js';

/** Which addresses may be connected to. */
export interface HostPolicy {
  /** True for a public address and for one in a range that the operator allowed. */
  allows(address: string): boolean;
  /** True for an address in a range that the operator allowed: one of the operator's own network. */
  opens(address: string): boolean;
}

type AddressRange = ReturnType<typeof ipaddr.parseCIDR>;

// Metadata services answer on these; no range that an operator allows opens them.
const neverAllowed = ['169.254.0.0/16', 'fe80::/10', 'fd00:ec2::254/128', '0.0.0.0/32', '::/128'].map((range) =>
  ipaddr.parseCIDR(range),
);

// Only these are given out to be reached from everywhere (RFC 4291 section 2.4). What else counts as unicast holds forms
// that stand for IPv4 addresses, such as ::7f00:1 for 127.0.0.1.
const publicIpv6 = ipaddr.parseCIDR('2000::/3');

const contains = (range: AddressRange, address: ReturnType<typeof ipaddr.process>): boolean =>
  range[0].kind() === address.kind() && address.match(range);

/** `allowedRanges`: CIDR notations of private ranges that the deployment opens, e.g. `10.1.0.0/16`. */
export const createHostPolicy = (allowedRanges: readonly string[]): HostPolicy => {
  const allowed = allowedRanges.map((range) => ipaddr.parseCIDR(range));
  /** The address unless nobody may connect to it. */
  const read = (text: string): ReturnType<typeof ipaddr.process> | undefined => {
    if (!ipaddr.isValid(text)) return undefined;
    // process() turns IPv4-mapped IPv6 addresses into IPv4, so that they meet the same rules.
    const address = ipaddr.process(text);
    return neverAllowed.some((range) => contains(range, address)) ? undefined : address;
  };
  const isPublic = (address: ReturnType<typeof ipaddr.process>): boolean =>
    address.range() === 'unicast' && (address.kind() === 'ipv4' || contains(publicIpv6, address));
  const isOpened = (address: ReturnType<typeof ipaddr.process>): boolean =>
    allowed.some((range) => contains(range, address));
  return {
    allows: (text) => {
      const address = read(text);
      return address !== undefined && (isPublic(address) || isOpened(address));
    },
    opens: (text) => {
      const address = read(text);
      return address !== undefined && isOpened(address);
    },
  };
};
