import { Resolver } from 'node:dns/promises';

/** Where a service of a domain is (RFC 2782). */
export interface ServiceRecord {
  readonly host: string;
  readonly port: number;
  readonly priority: number;
  readonly weight: number;
}

/** What the DNS says; nothing where it says nothing, or does not answer. */
export interface NameService {
  /** @param name e.g. `_imaps._tcp.contoso.example` */
  services(name: string): Promise<readonly ServiceRecord[]>;
  /** Hosts that take mail for a domain. */
  mailExchanges(domain: string): Promise<readonly string[]>;
}

/** @param servers `address:port` of name servers to ask [those of the system] */
export const createNameService = (servers?: readonly string[]): NameService => {
  const resolver = new Resolver({ timeout: 2_000, tries: 2 });
  if (servers !== undefined) resolver.setServers([...servers]);
  return {
    services: async (name) => {
      const found = await resolver.resolveSrv(name).catch(() => []);
      return found.map(({ name: host, port, priority, weight }) => ({ host, port, priority, weight }));
    },
    mailExchanges: async (domain) => {
      const found = await resolver.resolveMx(domain).catch(() => []);
      return found.toSorted((one, other) => one.priority - other.priority).map(({ exchange }) => exchange);
    },
  };
};
