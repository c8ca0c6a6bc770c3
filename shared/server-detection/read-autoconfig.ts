import { XMLParser } from 'fast-xml-parser';
import * as z from 'zod';
import { normalizeAddress } from '../platform/address.ts';
import { byPassword, type ServerSuggestion } from './server-suggestion.ts';

/** Nothing in the text stands for anything else than itself, and a document type is not even looked at. */
const parser = new XMLParser({
  ignoreAttributes: false,
  attributeNamePrefix: '@',
  processEntities: false,
  parseTagValue: false,
  isArray: (name) => ['incomingServer', 'outgoingServer', 'authentication', 'oAuth2'].includes(name),
});

const text = z.string().trim().max(500);
const serverSchema = z.object({
  '@type': z.string(),
  hostname: text,
  port: z.coerce.number().int().min(1).max(65_535),
  socketType: text,
  username: text.optional(),
  authentication: z.array(text).default([]),
});
type PublishedServer = z.output<typeof serverSchema>;

/** What cannot be read is left out, and the rest is taken. */
const listOf = <Schema extends z.ZodType>(schema: Schema) =>
  z
    .array(z.unknown())
    .catch([])
    .transform((items) => items.flatMap((item) => schema.safeParse(item).data ?? []));

const documentSchema = z.object({
  clientConfig: z.object({
    emailProvider: z.object({
      incomingServer: listOf(serverSchema),
      outgoingServer: listOf(serverSchema),
    }),
    oAuth2: listOf(z.object({ issuer: text })),
  }),
});

const hostPattern = /^[0-9A-Za-z](?:[0-9A-Za-z.-]{0,251}[0-9A-Za-z])?$/;

/** Without protection nobody should log in; such an offer is none. */
const securityOf = ({ socketType }: PublishedServer): 'tls' | 'startTls' | undefined => {
  switch (socketType.toUpperCase()) {
    case 'SSL':
      return 'tls';
    case 'STARTTLS':
      return 'startTls';
    default:
      return undefined;
  }
};

const logins = ['password-cleartext', 'password-encrypted', 'plain', 'secure'];

const issuerUrl = (issuer: string): string | null => {
  const url = issuer.includes('://') ? issuer : `https://${issuer}`;
  return URL.canParse(url) && url.startsWith('https:') ? url.replace(/\/$/, '') : null;
};

const fill = (pattern: string, address: string): string => {
  const at = address.lastIndexOf('@');
  return pattern
    .replaceAll('%EMAILADDRESS%', address)
    .replaceAll('%EMAILLOCALPART%', address.slice(0, at))
    .replaceAll('%EMAILDOMAIN%', address.slice(at + 1));
};

interface PublishedEndpoint {
  readonly host: string;
  readonly port: number;
  readonly security: 'tls' | 'startTls';
  readonly username: string;
  readonly authentication: 'password' | 'oauth2';
}

/**
 * Reads an autoconfig document of the form that Thunderbird defined; nothing when it is none.
 *
 * @param detail where it was found
 */
export const readAutoconfig = (xml: string, emailAddress: string, detail: string): readonly ServerSuggestion[] => {
  if (/<!(?:DOCTYPE|ENTITY)/i.test(xml)) return [];
  let parsed: unknown;
  try {
    parsed = parser.parse(xml);
  } catch {
    return [];
  }
  const document = documentSchema.safeParse(parsed).data;
  if (document === undefined) return [];
  const { emailProvider, oAuth2 } = document.clientConfig;
  const issuer = issuerUrl(oAuth2[0]?.issuer ?? '');

  const endpointOf = (server: PublishedServer): PublishedEndpoint | undefined => {
    const host = fill(server.hostname, normalizeAddress(emailAddress));
    const security = securityOf(server);
    const byToken = issuer !== null && server.authentication.some((one) => one.toLowerCase() === 'oauth2');
    const byName = server.authentication.some((one) => logins.includes(one.toLowerCase()));
    if (!hostPattern.test(host) || security === undefined || !(byToken || byName)) return undefined;
    return {
      host,
      port: server.port,
      security,
      username: fill(server.username ?? '%EMAILADDRESS%', emailAddress),
      authentication: byToken ? 'oauth2' : 'password',
    };
  };
  const first = (servers: readonly PublishedServer[], type: string): PublishedEndpoint | undefined =>
    servers
      .filter((server) => server['@type'].toLowerCase() === type)
      .map(endpointOf)
      .find((endpoint) => endpoint !== undefined);

  const outgoing = first(emailProvider.outgoingServer, 'smtp');
  if (outgoing === undefined) return [];
  return (['imap', 'pop3'] as const).flatMap((protocol) => {
    const incoming = first(emailProvider.incomingServer, protocol);
    if (incoming === undefined) return [];
    const byToken = incoming.authentication === 'oauth2' && outgoing.authentication === 'oauth2';
    const place = ({ host, port, security }: PublishedEndpoint) => ({ host, port, security });
    return [
      {
        source: 'autoconfig' as const,
        detail,
        kind: protocol === 'imap' ? ('imapSmtp' as const) : ('pop3Smtp' as const),
        incoming: { protocol, ...place(incoming) },
        outgoing: { protocol: 'smtp' as const, ...place(outgoing) },
        credentials: byToken ? { ...byPassword, authentication: 'oauth2' as const, issuer } : byPassword,
        username: incoming.username,
      },
    ];
  });
};
