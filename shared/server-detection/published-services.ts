import type { NameService, ServiceRecord } from '../transport/name-service.ts';
import { byPassword, type ServerSuggestion } from './server-suggestion.ts';

interface Endpoint {
  readonly host: string;
  readonly port: number;
  readonly security: 'tls' | 'startTls';
}

/** RFC 2782: the least priority first, and the greatest weight; "." says that there is no such service. */
const choose = (records: readonly ServiceRecord[]): ServiceRecord | undefined =>
  records
    .filter(({ host, port }) => host !== '' && host !== '.' && port > 0)
    .toSorted((one, other) => one.priority - other.priority || other.weight - one.weight)[0];

/**
 * What a domain publishes of its mail servers in the DNS (RFC 6186): IMAP before POP3, and TLS from the start before
 * STARTTLS (RFC 8314).
 */
export const findPublishedServices = async (
  names: NameService,
  domain: string,
  emailAddress: string,
): Promise<readonly ServerSuggestion[]> => {
  const find = async (service: string, security: Endpoint['security']): Promise<Endpoint | undefined> => {
    const record = choose(await names.services(`_${service}._tcp.${domain}`));
    return record === undefined ? undefined : { host: record.host.replace(/\.$/, ''), port: record.port, security };
  };
  const [imaps, imap, pop3s, pop3, submissions, submission] = await Promise.all([
    find('imaps', 'tls'),
    find('imap', 'startTls'),
    find('pop3s', 'tls'),
    find('pop3', 'startTls'),
    find('submissions', 'tls'),
    find('submission', 'startTls'),
  ]);
  const outgoing = submissions ?? submission;
  if (outgoing === undefined) return [];
  const common = {
    source: 'srv' as const,
    detail: `${domain} names these servers in its DNS`,
    outgoing: { protocol: 'smtp' as const, ...outgoing },
    credentials: byPassword,
    username: emailAddress,
  };
  const byImap = imaps ?? imap;
  const byPop3 = pop3s ?? pop3;
  return [
    ...(byImap === undefined
      ? []
      : [{ ...common, kind: 'imapSmtp' as const, incoming: { protocol: 'imap' as const, ...byImap } }]),
    ...(byPop3 === undefined
      ? []
      : [{ ...common, kind: 'pop3Smtp' as const, incoming: { protocol: 'pop3' as const, ...byPop3 } }]),
  ];
};
