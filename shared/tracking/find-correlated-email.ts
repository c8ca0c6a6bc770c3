import { type Email, emailKind } from '../email/email.ts';
import { messageIdPrefix } from '../email/message-identity.ts';
import type { MessageHeaders } from '../email/mime/message-headers.ts';
import { findTokens } from '../email/tracking-token.ts';
import type { Organization } from '../organization/organization.ts';
import { normalizeAddress } from '../platform/address.ts';
import { fromItem } from '../platform/entity-store.ts';
import { partition, type RecordsTable, recordKey } from '../platform/records-table.ts';
import { match, miss, notApplicable, type StepOutcome } from './decision-steps.ts';

/** The tracked email that a message answers. */
export interface Correlation {
  readonly found: { readonly method: 'inReplyTo' | 'token'; readonly email: Email } | undefined;
  /** The token in the subject, known or not. */
  readonly token: string | null;
  readonly outcome: StepOutcome;
}

// Counters of tokens start again; of so many emails with one token the newest ones are looked at.
const mostEmails = 20;
const mostReferences = 8;
const forwarded = /^\s*(?:fwd?|wg|tr|rv|i|enc|doorst|vs|vb|pd|fs)\s*(?:\[\d+\])?:/i;

const loadEmails = async (
  table: RecordsTable,
  organizationId: string,
  pointers: { readonly kind: string; readonly prefix: string },
): Promise<readonly Email[]> => {
  const { items } = await table.query({
    pk: partition(organizationId, pointers.kind),
    prefix: pointers.prefix,
    descending: true,
    limit: mostEmails,
  });
  const ids = items.map((item) => item.sk.slice(item.sk.lastIndexOf('#') + 1));
  const emails = await table.getMany(ids.map((id) => recordKey(organizationId, emailKind.kind, id)));
  // Identifiers sort by time.
  return emails
    .map((item) => fromItem(emailKind, item))
    .filter((email) => email.untrackedAt === undefined)
    .sort((one, other) => (one.id < other.id ? 1 : -1));
};

/** Of several emails the one that the sender took part in, else the newest: tokens and copied identifiers repeat. */
export const preferParticipant = (emails: readonly Email[], senderAddress: string | undefined): Email | undefined => {
  if (senderAddress === undefined) return emails[0];
  const sender = normalizeAddress(senderAddress);
  const tookPart = ({ from, to, cc, bcc }: Email): boolean =>
    [from, ...to, ...cc, ...bcc].some(({ address }) => normalizeAddress(address) === sender);
  return emails.find(tookPart) ?? emails[0];
};

/**
 * The identifiers that a message answers, the nearest one first: In-Reply-To, then References from the newest on, for
 * programs that leave In-Reply-To out.
 */
export const answeredIdentifiers = (
  headers: Pick<MessageHeaders, 'inReplyTo' | 'references' | 'subject'>,
  settings: Organization['settings']['correlation'],
): readonly string[] => {
  if (!settings.inReplyTo) return [];
  if (!settings.forwardsAreReplies && forwarded.test(headers.subject)) return [];
  const newestFirst = headers.references.toReversed().slice(0, mostReferences);
  return [...new Set([...(headers.inReplyTo === null ? [] : [headers.inReplyTo]), ...newestFirst])];
};

/** Looks for the tracked email that a message answers: by identifiers, then by the token in its subject. */
export const findCorrelatedEmail = async (
  table: RecordsTable,
  organization: Pick<Organization, 'id' | 'settings'>,
  headers: MessageHeaders,
): Promise<Correlation> => {
  const settings = organization.settings.correlation;
  const sender = headers.from?.address;
  const tokens = settings.token.enabled ? findTokens(headers.subject, settings.token.prefix) : [];
  const [token = null] = tokens;
  const identifiers = answeredIdentifiers(headers, settings);
  for (const identifier of identifiers) {
    const pointers = { kind: 'messageId', prefix: messageIdPrefix(identifier) };
    const email = preferParticipant(await loadEmails(table, organization.id, pointers), sender);
    if (email === undefined) continue;
    const detail = `inReplyTo: it answers "${email.subject}" (${email.id})`;
    return {
      found: { method: 'inReplyTo', email },
      token,
      outcome: match('correlation', detail, { emailId: email.id, messageId: identifier }),
    };
  }
  for (const one of tokens) {
    const pointers = { kind: 'token', prefix: `${one}#` };
    const email = preferParticipant(await loadEmails(table, organization.id, pointers), sender);
    if (email === undefined) continue;
    const detail = `token: ${one} belongs to "${email.subject}" (${email.id})`;
    return {
      found: { method: 'token', email },
      token: one,
      outcome: match('correlation', detail, { emailId: email.id, token: one }),
    };
  }
  if (!settings.inReplyTo && !settings.token.enabled)
    return { found: undefined, token, outcome: notApplicable('correlation', 'correlation is switched off') };
  return { found: undefined, token, outcome: miss('correlation', describeMiss(headers, tokens)) };
};

const describeMiss = (headers: MessageHeaders, tokens: readonly string[]): string => {
  const reply = headers.inReplyTo === null ? 'no In-Reply-To' : `In-Reply-To ${headers.inReplyTo} is not known`;
  const token = tokens.length === 0 ? 'no token' : `token ${tokens.join(', ')} is not known`;
  return `${reply}, ${token}, no conversation known`;
};
