import { gmailEndpoints, googleIssuer } from '../server-profile/provider-presets.ts';
import { byPassword, type ServerSuggestion } from './server-suggestion.ts';

type Endpoint = readonly [host: string, port: number, security: 'tls' | 'startTls'];

interface Provider {
  readonly name: string;
  /** Domains of addresses. */
  readonly domains: readonly string[];
  /** Ends of the names of the hosts that take mail for the domains of customers. */
  readonly exchanges: readonly string[];
  readonly kind?: 'gmail';
  readonly incoming: Endpoint;
  readonly outgoing: Endpoint;
  /** Of providers that take access tokens. @param domain of the address */
  readonly oauth?: (domain: string) => { readonly issuer: string | null; readonly tenantId: string | null };
}

const { incoming: gmailIncoming, outgoing: gmailOutgoing } = gmailEndpoints;
/** The tenant of everybody's private accounts. */
const microsoftAccounts = '9188040d-6c67-4c5b-b112-36a304b66dad';

const providers: readonly Provider[] = [
  {
    name: 'Google',
    domains: ['gmail.com', 'googlemail.com'],
    exchanges: ['.google.com', '.googlemail.com'],
    kind: 'gmail',
    incoming: [gmailIncoming.host, gmailIncoming.port, gmailIncoming.security],
    outgoing: [gmailOutgoing.host, gmailOutgoing.port, gmailOutgoing.security],
    oauth: () => ({ issuer: googleIssuer, tenantId: null }),
  },
  {
    name: 'Outlook.com',
    domains: ['outlook.com', 'hotmail.com', 'live.com', 'msn.com'],
    exchanges: ['.olc.protection.outlook.com'],
    incoming: ['outlook.office365.com', 993, 'tls'],
    outgoing: ['smtp-mail.outlook.com', 587, 'startTls'],
    oauth: () => ({ issuer: null, tenantId: microsoftAccounts }),
  },
  {
    name: 'Microsoft 365',
    domains: [],
    exchanges: ['.mail.protection.outlook.com', '.mx.microsoft'],
    incoming: ['outlook.office365.com', 993, 'tls'],
    outgoing: ['smtp.office365.com', 587, 'startTls'],
    oauth: (domain) => ({ issuer: null, tenantId: domain }),
  },
  {
    name: 'iCloud',
    domains: ['icloud.com', 'me.com', 'mac.com'],
    exchanges: ['.mail.icloud.com'],
    incoming: ['imap.mail.me.com', 993, 'tls'],
    outgoing: ['smtp.mail.me.com', 587, 'startTls'],
  },
  {
    name: 'Yahoo',
    domains: ['yahoo.com', 'yahoo.co.uk', 'yahoo.de', 'yahoo.fr', 'ymail.com', 'aol.com'],
    exchanges: ['.yahoodns.net'],
    incoming: ['imap.mail.yahoo.com', 993, 'tls'],
    outgoing: ['smtp.mail.yahoo.com', 465, 'tls'],
  },
  {
    name: 'Fastmail',
    domains: ['fastmail.com', 'fastmail.fm'],
    exchanges: ['.messagingengine.com'],
    incoming: ['imap.fastmail.com', 993, 'tls'],
    outgoing: ['smtp.fastmail.com', 465, 'tls'],
  },
  {
    name: 'GMX',
    domains: ['gmx.net', 'gmx.de', 'gmx.ch', 'gmx.at'],
    exchanges: ['.gmx.net'],
    incoming: ['imap.gmx.net', 993, 'tls'],
    outgoing: ['mail.gmx.net', 465, 'tls'],
  },
  {
    name: 'WEB.DE',
    domains: ['web.de'],
    exchanges: ['.web.de'],
    incoming: ['imap.web.de', 993, 'tls'],
    outgoing: ['smtp.web.de', 587, 'startTls'],
  },
  {
    name: 'Zoho',
    domains: ['zohomail.com', 'zoho.com'],
    exchanges: ['.zoho.com'],
    incoming: ['imap.zoho.com', 993, 'tls'],
    outgoing: ['smtp.zoho.com', 465, 'tls'],
  },
  {
    name: 'IONOS',
    domains: [],
    exchanges: ['.ionos.com', '.ionos.de', '.kundenserver.de'],
    incoming: ['imap.ionos.com', 993, 'tls'],
    outgoing: ['smtp.ionos.com', 465, 'tls'],
  },
  {
    name: 'OVHcloud',
    domains: [],
    exchanges: ['.mail.ovh.net', '.ovh.net'],
    incoming: ['ssl0.ovh.net', 993, 'tls'],
    outgoing: ['ssl0.ovh.net', 465, 'tls'],
  },
  {
    name: 'Infomaniak',
    domains: ['ik.me', 'etik.com'],
    exchanges: ['.infomaniak.ch'],
    incoming: ['mail.infomaniak.com', 993, 'tls'],
    outgoing: ['mail.infomaniak.com', 465, 'tls'],
  },
];

const endpoint = ([host, port, security]: Endpoint) => ({ host, port, security });

/** What is known of the provider of an address, by its domain or by who takes mail for it. */
export const findWellKnownProvider = (
  domain: string,
  mailExchanges: readonly string[],
  emailAddress: string,
): readonly ServerSuggestion[] => {
  const hosts = mailExchanges.map((host) => `.${host.toLowerCase().replace(/\.$/, '')}`);
  const provider =
    providers.find(({ domains }) => domains.includes(domain)) ??
    providers.find(({ exchanges }) => exchanges.some((end) => hosts.some((host) => host.endsWith(end))));
  if (provider === undefined) return [];
  const oauth = provider.oauth?.(domain);
  return [
    {
      source: 'preset',
      detail: `${provider.name} has the mailboxes of ${domain}`,
      kind: provider.kind ?? 'imapSmtp',
      incoming: { protocol: 'imap', ...endpoint(provider.incoming) },
      outgoing: { protocol: 'smtp', ...endpoint(provider.outgoing) },
      credentials: oauth === undefined ? byPassword : { ...byPassword, authentication: 'oauth2', ...oauth },
      username: emailAddress,
    },
  ];
};
