import type { Organization } from '../organization/organization.ts';
import { identifierAt, identifierTime } from '../platform/identifier.ts';
import { partition, type RecordsTable, type RecordWrite, recordKey } from '../platform/records-table.ts';
import type { Email, Party } from './email.ts';
import { answeredUntil } from './message-identity.ts';
import { addressPrint, type MessagePrint, printMessage, printsAgree } from './message-print.ts';
import { tokenPrefixes } from './tracking-token.ts';

/*
 * What smart matching searches: the print of an email under the address of everyone outside the organization who took
 * part in it, newest last. An answer nearly always comes from one of them, or goes to one, so a few short queries find
 * its email among any number of others; the organization's own addresses, which stand in every email, would not.
 */
const kind = 'subject';
const keptDays = 90;
const dayMilliseconds = 86_400_000;
const askedAddresses = 3;
const printsPerAddress = 200;
const mostMatches = 5;

export type PrintedOrganization = Pick<Organization, 'id' | 'settings' | 'formerTokenPrefixes'>;

const isOwn = ({ records }: Party): boolean => records.some(({ type }) => type === 'user' || type === 'queue');

/** The writes that let smart matching find an email; none while it is switched off. */
export const subjectWrites = (
  organization: PrintedOrganization,
  email: Pick<Email, 'id' | 'subject' | 'from' | 'to' | 'cc' | 'bcc'>,
): RecordWrite[] => {
  const settings = organization.settings.correlation.smartMatching;
  if (!settings.enabled) return [];
  const parties = [email.from, ...email.to, ...email.cc, ...email.bcc];
  const addresses = parties.map(({ address }) => address);
  const print = printMessage(email.subject, addresses, tokenPrefixes(organization), settings);
  if (print.words.length === 0) return [];
  const foreign = parties.filter((party) => !isOwn(party)).map(({ address }) => addressPrint(address));
  const keys = new Set(foreign.length === 0 ? [addressPrint(email.from.address)] : foreign);
  const expiresAt = Math.floor(identifierTime(email.id) / 1000) + keptDays * 86_400;
  return [...keys].slice(0, settings.maxWords).map((address) => ({
    put: {
      ...recordKey(organization.id, kind, `${address}#${email.id}`),
      v: 1,
      kind,
      organizationId: organization.id,
      expiresAt,
      ...print,
    },
  }));
};

const texts = (value: unknown): readonly string[] =>
  Array.isArray(value) ? value.filter((one) => typeof one === 'string') : [];

/**
 * The emails of the last 90 days that a message agrees with, the newest first: at most three reads, however many emails
 * there are.
 *
 * @param counterparts addresses of the message outside the organization, the most telling first
 */
export const findAgreeing = async (
  table: RecordsTable,
  organization: PrintedOrganization,
  print: MessagePrint,
  counterparts: readonly string[],
  receivedAt: Date,
): Promise<readonly string[]> => {
  const settings = organization.settings.correlation.smartMatching;
  if (print.words.length === 0) return [];
  const pages = await Promise.all(
    [...new Set(counterparts.map(addressPrint))].slice(0, askedAddresses).map((address) =>
      table.query({
        pk: partition(organization.id, kind),
        from: `${address}#${identifierAt('eml', receivedAt.getTime() - keptDays * dayMilliseconds)}`,
        to: `${address}#${answeredUntil(receivedAt)}`,
        descending: true,
        limit: printsPerAddress,
      }),
    ),
  );
  const agreeing = pages
    .flatMap(({ items }) => items)
    .filter((item) =>
      printsAgree(print, { words: texts(item['words']), addresses: texts(item['addresses']) }, settings),
    )
    .map(({ sk }) => sk.slice(sk.lastIndexOf('#') + 1));
  return [...new Set(agreeing)].sort().reverse().slice(0, mostMatches);
};
