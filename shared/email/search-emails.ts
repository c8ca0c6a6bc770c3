import { findOwner } from '../owner/find-owner.ts';
import { isAddress, normalizeAddress } from '../platform/address.ts';
import { type EntityStore, fromItem } from '../platform/entity-store.ts';
import { identifierAt, identifierPattern } from '../platform/identifier.ts';
import { partition, recordKey } from '../platform/records-table.ts';
import { refuseField } from '../platform/validate.ts';
import type { Reference } from '../platform/values.ts';
import { crmRecordKind } from '../record/record.ts';
import { ownerTypes } from './create-email.ts';
import { type Email, emailKind, mailboxListOf, type Party } from './email.ts';
import { messageIdPrefix, withBrackets } from './message-identity.ts';
import { type EmailOwnership, isOwnEmail } from './own-email.ts';
import { findRecord } from './resolve-parties.ts';

export interface EmailFilters {
  /** Whose emails alone are looked for: all of them, where nothing else is asked. */
  readonly own?: EmailOwnership | undefined;
  /** The mailbox that it goes out through, or one that received it. */
  readonly mailboxId?: string | undefined;
  readonly ownerId?: string | undefined;
  readonly direction?: Email['direction'] | undefined;
  readonly status?: Email['status'] | undefined;
  /** The id of a record, user, queue or team, or `<type>/<id>`, where the id may be `ext:<externalId>`. */
  readonly regarding?: string | undefined;
  readonly conversationId?: string | undefined;
  readonly messageId?: string | undefined;
  /** An address, or the id of a record, user, queue or team. */
  readonly participant?: string | undefined;
  readonly receivedFrom?: string | undefined;
  readonly receivedTo?: string | undefined;
  /** false: what the hub found in mailboxes and the CRM has not taken yet. */
  readonly bound?: boolean | undefined;
}

/** Where the emails of a search stand: in a range of identifiers, of an index where one fits, or found already. */
export type EmailSearch =
  | { readonly found: readonly Email[] }
  | {
      readonly matches: (email: Email) => boolean;
      readonly from?: string;
      readonly to?: string;
      readonly index?: { readonly name: 'byMailbox' | 'byRegarding' | 'byConversation'; readonly key: string };
    };

const ownerTypeOf: Readonly<Record<string, string>> = { usr: 'user', que: 'queue', tea: 'team' };

const findRegarding = async (
  store: EntityStore,
  organizationId: string,
  text: string,
): Promise<Pick<Reference, 'type' | 'id'> | undefined> => {
  const typed = /^([A-Za-z][A-Za-z0-9]*)\/(.+)$/.exec(text);
  if (typed !== null) {
    const [, type = '', id = ''] = typed;
    return (await findRecord(store, organizationId, { type, id }))?.reference;
  }
  if (!identifierPattern.test(text))
    throw refuseField('#/query/regarding', 'invalidFormat', 'regarding takes an id, or <type>/<id>');
  const ownerType = ownerTypeOf[text.slice(0, 3)];
  if (ownerType !== undefined)
    return (await findRecord(store, organizationId, { type: ownerType, id: text }))?.reference;
  const record = await store.get(crmRecordKind, organizationId, text);
  return record === undefined ? undefined : { type: record.type, id: record.id };
};

const isParticipant = (text: string): ((party: Party) => boolean) => {
  if (!isAddress(text) && identifierPattern.test(text)) return ({ records }) => records.some(({ id }) => id === text);
  const address = normalizeAddress(text);
  return (party) => normalizeAddress(party.address) === address;
};

const participantsOf = (email: Email): readonly Party[] => [
  email.from,
  ...(email.sender === null ? [] : [email.sender]),
  ...email.to,
  ...email.cc,
  ...email.bcc,
];

/** Incoming mail, and mail that was found in a Sent folder: everything else was made by the CRM, which knows it. */
const cameFromMailbox = (email: Email): boolean =>
  email.direction === 'incoming' || (email.status === 'sent' && email.delivery === null);

const isOfMailbox = (email: Email, mailboxId: string): boolean =>
  email.mailboxId === mailboxId || email.receivedByMailboxIds.includes(mailboxId);

const isBound = (email: Email): boolean => email.externalId !== null;

const createFilter = (
  filters: EmailFilters,
  ownerId: string | undefined,
  regarding: Pick<Reference, 'type' | 'id'> | undefined,
): ((email: Email) => boolean) => {
  const { own, mailboxId, direction, status, conversationId, participant, receivedFrom, receivedTo, bound } = filters;
  const takesPart = participant === undefined ? undefined : isParticipant(participant);
  return (email) =>
    (own === undefined || isOwnEmail(own, email)) &&
    (mailboxId === undefined || isOfMailbox(email, mailboxId)) &&
    (ownerId ?? email.ownerId) === email.ownerId &&
    (direction ?? email.direction) === email.direction &&
    (status ?? email.status) === email.status &&
    (conversationId ?? email.conversationId) === email.conversationId &&
    (regarding === undefined || (email.regarding?.type === regarding.type && email.regarding.id === regarding.id)) &&
    (takesPart === undefined || participantsOf(email).some(takesPart)) &&
    (receivedFrom === undefined || (email.receivedAt !== null && email.receivedAt >= receivedFrom)) &&
    (receivedTo === undefined || (email.receivedAt !== null && email.receivedAt < receivedTo)) &&
    (bound === undefined || (bound ? isBound(email) : !isBound(email) && cameFromMailbox(email)));
};

const emailsPerMessageId = 100;

/** Newest first; angle brackets may be left out. */
const findByMessageId = async (
  { table }: EntityStore,
  organizationId: string,
  messageId: string,
): Promise<readonly Email[]> => {
  const pointers = await table.query({
    pk: partition(organizationId, 'messageId'),
    prefix: messageIdPrefix(withBrackets(messageId)),
    descending: true,
    limit: emailsPerMessageId,
  });
  const keys = pointers.items.map(({ emailId }) => recordKey(organizationId, emailKind.kind, String(emailId)));
  const emails = (await table.getMany(keys)).map((item) => fromItem(emailKind, item));
  return emails.sort((one, other) => (one.id < other.id ? 1 : -1));
};

/** Identifiers of mail that was received sort by when it was. */
const receivedRange = ({
  receivedFrom,
  receivedTo,
}: EmailFilters): { readonly from?: string; readonly to?: string } => ({
  ...(receivedFrom === undefined ? {} : { from: identifierAt('eml', Date.parse(receivedFrom)) }),
  ...(receivedTo === undefined ? {} : { to: identifierAt('eml', Date.parse(receivedTo)) }),
});

const indexFor = (
  organizationId: string,
  filters: EmailFilters,
  regarding: Pick<Reference, 'type' | 'id'> | undefined,
) => {
  const emails = partition(organizationId, emailKind.kind);
  if (regarding !== undefined)
    return { name: 'byRegarding' as const, key: `${emails}#${regarding.type}#${regarding.id}` };
  if (filters.conversationId !== undefined)
    return { name: 'byConversation' as const, key: `${emails}#${filters.conversationId}` };
  const mailboxId = filters.mailboxId ?? filters.own?.mailboxId;
  return mailboxId === undefined
    ? undefined
    : { name: 'byMailbox' as const, key: mailboxListOf(organizationId, mailboxId) };
};

/**
 * Where to look for emails, and which of those found there fit. An owner or record that does not exist matches none.
 *
 * @throws FaultError invalidRequest
 */
export const planEmailSearch = async (
  store: EntityStore,
  organizationId: string,
  filters: EmailFilters,
): Promise<EmailSearch> => {
  const regarding =
    filters.regarding === undefined ? undefined : await findRegarding(store, organizationId, filters.regarding);
  const owner =
    filters.ownerId === undefined ? undefined : await findOwner(store, organizationId, ownerTypes, filters.ownerId);
  const unknown =
    (filters.regarding !== undefined && regarding === undefined) ||
    (filters.ownerId !== undefined && owner === undefined);
  if (unknown) return { found: [] };
  const matches = createFilter(filters, owner?.id, regarding);
  if (filters.messageId !== undefined)
    return { found: (await findByMessageId(store, organizationId, filters.messageId)).filter(matches) };
  const index = indexFor(organizationId, filters, regarding);
  return { matches, ...receivedRange(filters), ...(index === undefined ? {} : { index }) };
};
