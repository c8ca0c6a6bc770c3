import { X509Certificate } from 'node:crypto';
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { FaultError } from '../platform/fault.ts';
import type { FaultCode } from '../platform/fault-catalogue.ts';
import { refuseField } from '../platform/validate.ts';
import type { HostPolicy } from '../transport/host-policy.ts';
import { checkCredentials } from './check-credentials.ts';
import type { CredentialsInput } from './profile-credentials.ts';
import { issuerOf } from './profile-issuer.ts';
import type { ServerProfileInput } from './server-profile-input.ts';

export interface ProfileRules {
  readonly hostPolicy: HostPolicy;
  /** The deployment allows passwords over connections without TLS. */
  readonly allowInsecureCredentials: boolean;
}

const refuse = (code: FaultCode, pointer: string, detail: string): FaultError =>
  new FaultError(code, { detail, errors: [{ pointer, code, detail }] });

const incomingProtocols = { gmail: 'imap', imapSmtp: 'imap', pop3Smtp: 'pop3' } as const;

const checkCombination = (profile: ServerProfileInput): void => {
  const { incoming, outgoing, credentials } = profile;
  const refused = (pointer: string, what: string) =>
    refuse('unsupportedCombination', pointer, `A profile of kind ${profile.kind} does not work with ${what}`);
  if (incoming.protocol !== incomingProtocols[profile.kind]) throw refused('#/incoming/protocol', incoming.protocol);
  if (incoming.protocol === 'pop3' && profile.moveUndeliverable)
    throw refuse('unsupportedCombination', '#/moveUndeliverable', 'A maildrop has no folder to move mail to');
  if (outgoing.protocol !== 'smtp') throw refused('#/outgoing/protocol', outgoing.protocol);
  // RFC 1939 section 4: a session begins with a login.
  if (incoming.protocol === 'pop3' && credentials.authentication === 'none')
    throw refused('#/credentials/authentication', credentials.authentication);
};

const checkSecurity = (profile: ServerProfileInput, allowInsecureCredentials: boolean): void => {
  if (allowInsecureCredentials || profile.credentials.authentication === 'none') return;
  for (const side of ['incoming', 'outgoing'] as const)
    if (profile[side].security === 'none')
      throw refuse(
        'insecureCredentials',
        `#/${side}/security`,
        `The credentials would travel unprotected to ${profile[side].host}`,
      );
};

const lookupMilliseconds = 3_000;

/** The addresses of a name; none when it cannot be resolved now, which is a matter for the test of the profile. */
const addressesOf = async (host: string): Promise<readonly string[]> => {
  if (isIP(host) !== 0) return [host];
  const { promise: late, resolve } = Promise.withResolvers<readonly string[]>();
  const timer = setTimeout(() => resolve([]), lookupMilliseconds);
  try {
    return await Promise.race([
      lookup(host, { all: true }).then(
        (found) => found.map(({ address }) => address),
        () => [],
      ),
      late,
    ]);
  } finally {
    clearTimeout(timer);
  }
};

type Endpoints = Pick<ServerProfileInput, 'kind'> & {
  readonly incoming: { readonly host: string };
  readonly outgoing: { readonly host: string };
  readonly credentials: Pick<CredentialsInput, 'authentication' | 'issuer' | 'tenantId'>;
};

const hostsOf = (profile: Endpoints): readonly { readonly pointer: string; readonly host: string }[] => {
  const issuer = profile.credentials.authentication === 'oauth2' ? issuerOf(profile) : null;
  return [
    { pointer: '#/incoming/host', host: profile.incoming.host },
    { pointer: '#/outgoing/host', host: profile.outgoing.host },
    ...(issuer === null
      ? []
      : [{ pointer: '#/credentials/issuer', host: new URL(issuer).hostname.replace(/^\[|\]$/g, '') }]),
  ];
};

const checkHosts = async (
  profile: ServerProfileInput,
  hostPolicy: HostPolicy,
  present: Endpoints | undefined,
): Promise<void> => {
  const known = new Set(present === undefined ? [] : hostsOf(present).map(({ host }) => host));
  await Promise.all(
    hostsOf(profile).map(async ({ pointer, host }) => {
      if (known.has(host)) return;
      const refused = (await addressesOf(host)).some((address) => !hostPolicy.allows(address));
      if (refused) throw refuse('hostNotAllowed', pointer, `${host} may not be connected to`);
    }),
  );
};

const certificate = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g;

const checkCertificates = (pem: string): void => {
  const wrong = (detail: string) => refuseField('#/caCertificates', 'invalidCertificate', detail);
  const found = pem.match(certificate) ?? [];
  if (found.length === 0) throw wrong('The text holds no certificate in PEM form');
  if (pem.replaceAll(certificate, '').includes('-----')) throw wrong('The text holds something that is no certificate');
  for (const [index, text] of found.entries())
    try {
      new X509Certificate(text);
    } catch {
      throw wrong(`Certificate ${index + 1} cannot be read`);
    }
};

/**
 * The rules that no schema can express. A name is resolved once more at each connection; here it only spares the
 * caller a profile that could never work.
 *
 * @param present what is changed: of its hosts nothing is asked, or one that may not be connected to any more would stand
 * in the way of turning the profile off
 * @throws FaultError unsupportedCombination, insecureCredentials, hostNotAllowed, invalidRequest
 */
export const checkServerProfile = async (
  profile: ServerProfileInput,
  rules: ProfileRules,
  hasClientSecret: boolean,
  present?: Endpoints,
): Promise<void> => {
  checkCombination(profile);
  checkCredentials(profile, { allowInsecure: rules.allowInsecureCredentials, hasClientSecret });
  checkSecurity(profile, rules.allowInsecureCredentials);
  if (profile.caCertificates !== null) checkCertificates(profile.caCertificates);
  await checkHosts(profile, rules.hostPolicy, present);
};
