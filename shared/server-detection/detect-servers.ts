import { normalizeAddress } from '../platform/address.ts';
import type { Dialler } from '../transport/connection.ts';
import type { DialledFetch } from '../transport/http/dialled-fetch.ts';
import type { NameService } from '../transport/name-service.ts';
import { TransportError } from '../transport/transport-error.ts';
import { findPublishedServices } from './published-services.ts';
import type { ServerSuggestion } from './server-suggestion.ts';
import { findWellKnownProvider } from './well-known-providers.ts';

export interface DetectionDependencies {
  readonly names: NameService;
  readonly dialler: Dialler;
  /** Limits the time and the length of each answer. */
  readonly fetch: DialledFetch;
}

/** What has not answered by then says nothing; a request has 30 s in all. */
const patienceMilliseconds = 12_000;
const lookupSeconds = 3;

const within = async <Value>(work: Promise<Value>, otherwise: Value): Promise<Value> => {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Value>((resolve) => {
    timer = setTimeout(() => resolve(otherwise), patienceMilliseconds);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
};

/** The first of these pages that is an autoconfig document. */
const firstDocument = async (
  { fetch }: DetectionDependencies,
  urls: readonly string[],
  emailAddress: string,
  detail: string,
): Promise<readonly ServerSuggestion[]> => {
  const found = await Promise.all(
    urls.map(async (url) => {
      try {
        const response = await fetch(url);
        if (response.status !== 200) return [];
        const { readAutoconfig } = await import('./read-autoconfig.ts');
        return readAutoconfig(await response.text(), emailAddress, detail);
      } catch (error) {
        if (error instanceof TransportError) return [];
        throw error;
      }
    }),
  );
  return found.find((suggestions) => suggestions.length > 0) ?? [];
};

const findAutoconfig = async (
  deps: DetectionDependencies,
  domain: string,
  emailAddress: string,
): Promise<readonly ServerSuggestion[]> => {
  const query = `?emailaddress=${encodeURIComponent(emailAddress)}`;
  const pages = (scheme: string) => [
    `${scheme}://autoconfig.${domain}/mail/config-v1.1.xml${query}`,
    `${scheme}://${domain}/.well-known/autoconfig/mail/config-v1.1.xml`,
  ];
  const secure = await firstDocument(deps, pages('https'), emailAddress, `${domain} publishes these settings`);
  if (secure.length > 0) return secure;
  const detail = `${domain} publishes these settings over an unprotected connection: compare the host names first`;
  return firstDocument(deps, pages('http'), emailAddress, detail);
};

/** A server that the deployment may not connect to is no suggestion. */
const mayBeConnected = async ({ dialler }: DetectionDependencies, host: string): Promise<boolean> => {
  try {
    await dialler.resolve(host, lookupSeconds);
    return true;
  } catch (error) {
    if (!(error instanceof TransportError)) throw error;
    return error.fault.code !== 'hostNotAllowed';
  }
};

/**
 * Which servers an address may have: what its domain says in the DNS, then what it publishes as autoconfig, then what
 * is known of its provider. Nobody else than the domain is asked. Takes some seconds at most.
 */
export const detectServers = async (
  deps: DetectionDependencies,
  emailAddress: string,
): Promise<readonly ServerSuggestion[]> => {
  const normalized = normalizeAddress(emailAddress);
  const domain = normalized.slice(normalized.lastIndexOf('@') + 1);
  // An address literal names no domain that could say anything.
  if (domain.startsWith('[')) return [];
  const [published, autoconfig, exchanges] = await Promise.all([
    within(findPublishedServices(deps.names, domain, emailAddress), []),
    within(findAutoconfig(deps, domain, emailAddress), []),
    within(deps.names.mailExchanges(domain), []),
  ]);
  const found = [...published, ...autoconfig, ...findWellKnownProvider(domain, exchanges, emailAddress)];
  const allowed = await Promise.all(
    found.map(async ({ incoming, outgoing }) => {
      const hosts = await Promise.all([mayBeConnected(deps, incoming.host), mayBeConnected(deps, outgoing.host)]);
      return hosts.every(Boolean);
    }),
  );
  return found.filter((_, index) => allowed[index]);
};
