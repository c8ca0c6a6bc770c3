import { conversationTopic } from '../email/conversation-topic.ts';
import { type Email, emailKind } from '../email/email.ts';
import { answeredUntil } from '../email/message-identity.ts';
import type { MessageHeaders } from '../email/mime/message-headers.ts';
import { withoutTokens } from '../email/tracking-token.ts';
import { normalizeAddress } from '../platform/address.ts';
import { fromItem } from '../platform/entity-store.ts';
import { partition, type RecordsTable, recordKey } from '../platform/records-table.ts';

/** Where the identifiers of emails stand that a header may name. */
export interface Pointers {
  readonly kind: 'messageId' | 'token' | 'conversation';
  /** Sort keys begin with this and end with the email's identifier. */
  readonly prefix: string;
  /** Of so many the newest count. */
  readonly limit: number;
  /** Emails that came to be later are left out. */
  readonly before?: Date;
}

/** These emails, the newest first, without those that are cut off from their mailboxes or were never sent. */
export const loadEmails = async (
  table: RecordsTable,
  organizationId: string,
  ids: readonly string[],
): Promise<readonly Email[]> => {
  const items = await table.getMany([...new Set(ids)].map((id) => recordKey(organizationId, emailKind.kind, id)));
  // Identifiers sort by time.
  return items
    .map((item) => fromItem(emailKind, item))
    .filter(({ untrackedAt, status }) => untrackedAt === undefined && status !== 'canceled')
    .sort((one, other) => (one.id < other.id ? 1 : -1));
};

/** The identifiers that pointers lead to, the newest first. */
export const followPointers = async (
  table: RecordsTable,
  organizationId: string,
  { kind, prefix, limit, before }: Pointers,
): Promise<readonly string[]> => {
  const pk = partition(organizationId, kind);
  const { items } = await table.query({
    pk,
    ...(before === undefined ? { prefix } : { from: prefix, to: `${prefix}${answeredUntil(before)}` }),
    descending: true,
    limit,
  });
  return items.map(({ sk }) => sk.slice(sk.lastIndexOf('#') + 1));
};

const tookPart = ({ from, to, cc, bcc }: Email, address: string): boolean =>
  [from, ...to, ...cc, ...bcc].some((party) => normalizeAddress(party.address) === address);

/** Of several emails the one that the sender took part in, else the newest: copied identifiers repeat. */
export const preferParticipant = (emails: readonly Email[], senderAddress: string | undefined): Email | undefined => {
  if (senderAddress === undefined) return emails[0];
  const sender = normalizeAddress(senderAddress);
  return emails.find((email) => tookPart(email, sender)) ?? emails[0];
};

const topicOf = (subject: string, prefixes: readonly string[]): string =>
  conversationTopic(withoutTokens(subject, prefixes)).toLowerCase();

/** Whether two subjects differ in more than what answering puts before them and tokens. */
export const subjectsDiffer = (one: string, other: string, prefixes: readonly string[]): boolean =>
  topicOf(one, prefixes) !== topicOf(other, prefixes);

/**
 * The email that a token means. Counters of tokens start again, so a token may belong to several emails: then the
 * sender must have taken part in it or the subject must be the same, and where neither tells them apart there is none.
 */
export const chooseByToken = (
  emails: readonly Email[],
  headers: Pick<MessageHeaders, 'from' | 'subject'>,
  prefixes: readonly string[],
): Email | undefined => {
  if (emails.length <= 1) return emails[0];
  const sameSubject = (email: Email): boolean => !subjectsDiffer(email.subject, headers.subject, prefixes);
  const sender = headers.from === null ? undefined : normalizeAddress(headers.from.address);
  const taken = sender === undefined ? [] : emails.filter((email) => tookPart(email, sender));
  return taken.find(sameSubject) ?? taken[0] ?? emails.find(sameSubject);
};
