import { isForwarded } from '../email/conversation-topic.ts';
import type { Email } from '../email/email.ts';
import { conversationPrefix, messageIdPrefix } from '../email/message-identity.ts';
import { printMessage } from '../email/message-print.ts';
import type { MessageHeaders } from '../email/mime/message-headers.ts';
import { findAgreeing } from '../email/subject-index.ts';
import { findTokens, tokenPrefixes } from '../email/tracking-token.ts';
import type { Organization } from '../organization/organization.ts';
import type { RecordsTable } from '../platform/records-table.ts';
import {
  chooseByToken,
  followPointers,
  loadEmails,
  type Pointers,
  preferParticipant,
  subjectsDiffer,
} from './correlation-candidates.ts';
import { match, miss, notApplicable, type StepOutcome } from './decision-steps.ts';
import type { MailboxMessage } from './mailbox-message.ts';
import { listCounterparts, type Participants } from './participants.ts';

export type CorrelationMethod = 'inReplyTo' | 'token' | 'conversationIndex' | 'smartMatching';

/** The tracked email that a message answers. */
export interface Correlation {
  readonly found: { readonly method: CorrelationMethod; readonly email: Email } | undefined;
  /** The token in the subject, known or not. */
  readonly token: string | null;
  readonly outcome: StepOutcome;
}

export interface CorrelationQuestion {
  readonly table: RecordsTable;
  readonly organization: Pick<Organization, 'id' | 'settings' | 'formerTokenPrefixes'>;
  readonly message: Pick<MailboxMessage, 'headers' | 'receivedAt'>;
  readonly participants: Participants;
}

interface Found {
  readonly email: Email;
  /** What the email was found by, for people to read. */
  readonly by: string;
  readonly inputs: Readonly<Record<string, string>>;
}

const mostEmails = 20;
const mostReferences = 8;
const newestOfConversation = 5;

/**
 * The identifiers that a message answers, the nearest one first: In-Reply-To, then References from the newest on, for
 * programs that leave In-Reply-To out.
 */
export const answeredIdentifiers = (
  headers: Pick<MessageHeaders, 'inReplyTo' | 'references' | 'subject'>,
  settings: Organization['settings']['correlation'],
): readonly string[] => {
  if (!settings.inReplyTo) return [];
  if (!settings.forwardsAreReplies && isForwarded(headers.subject)) return [];
  const newestFirst = headers.references.toReversed().slice(0, mostReferences);
  return [...new Set([...(headers.inReplyTo === null ? [] : [headers.inReplyTo]), ...newestFirst])];
};

const follow = async ({ table, organization }: CorrelationQuestion, pointers: Pointers): Promise<readonly Email[]> => {
  const ids = await followPointers(table, organization.id, pointers);
  return ids.length === 0 ? [] : loadEmails(table, organization.id, ids);
};

const byIdentifiers = async (question: CorrelationQuestion): Promise<Found | undefined> => {
  const { organization, message } = question;
  const { headers } = message;
  const [nearest, ...further] = answeredIdentifiers(headers, organization.settings.correlation);
  const look = async (messageId: string): Promise<Found | undefined> => {
    const pointers = { kind: 'messageId', prefix: messageIdPrefix(messageId), limit: mostEmails } as const;
    const email = preferParticipant(await follow(question, pointers), headers.from?.address);
    return email && { email, by: `it answers "${email.subject}" (${email.id})`, inputs: { messageId } };
  };
  const direct = nearest === undefined ? undefined : await look(nearest);
  return direct ?? (await Promise.all(further.map(look))).find((found) => found !== undefined);
};

const byToken = async (question: CorrelationQuestion, tokens: readonly string[]): Promise<Found | undefined> => {
  const { organization, message } = question;
  for (const token of tokens) {
    const before = message.receivedAt;
    const emails = await follow(question, { kind: 'token', prefix: `${token}#`, limit: mostEmails, before });
    const email = chooseByToken(emails, message.headers, tokenPrefixes(organization));
    if (email !== undefined)
      return { email, by: `${token} belongs to "${email.subject}" (${email.id})`, inputs: { token } };
  }
  return undefined;
};

/** A copy of a message is no answer to it. */
const isOther =
  ({ messageId }: MessageHeaders) =>
  (email: Email): boolean =>
    messageId === null || email.messageId !== messageId;

const byConversation = async (question: CorrelationQuestion): Promise<Found | undefined> => {
  const { organization, message } = question;
  const { headers } = message;
  if (!organization.settings.correlation.conversationIndex || headers.conversationIndex === null) return undefined;
  const prefix = conversationPrefix(headers.conversationIndex);
  const emails = await follow(question, { kind: 'conversation', prefix, limit: newestOfConversation });
  const email = preferParticipant(emails.filter(isOther(headers)), headers.from?.address);
  return email && { email, by: `it belongs to the conversation of "${email.subject}" (${email.id})`, inputs: {} };
};

const bySmartMatching = async (question: CorrelationQuestion): Promise<Found | undefined> => {
  const { table, organization, message, participants } = question;
  const settings = organization.settings.correlation.smartMatching;
  if (!settings.enabled) return undefined;
  const { headers, receivedAt } = message;
  const { sender, recipients } = participants;
  const addresses = [...(sender === null ? [] : [sender]), ...recipients].map(({ address }) => address.address);
  const print = printMessage(headers.subject, addresses, tokenPrefixes(organization), settings);
  const ids = await findAgreeing(table, organization, print, listCounterparts(participants), receivedAt);
  if (ids.length === 0) return undefined;
  const email = (await loadEmails(table, organization.id, ids)).find(isOther(headers));
  return email && { email, by: `its words and addresses agree with "${email.subject}" (${email.id})`, inputs: {} };
};

/** Looks for the tracked email that a message answers, by each method in turn until one finds it. */
export const findCorrelatedEmail = async (question: CorrelationQuestion): Promise<Correlation> => {
  const { organization, message } = question;
  const { headers } = message;
  const settings = organization.settings.correlation;
  const prefixes = tokenPrefixes(organization);
  const tokens = settings.token.enabled ? findTokens(headers.subject, prefixes) : [];
  const [token = null] = tokens;
  if (!settings.forwardsAreReplies && isForwarded(headers.subject))
    return { found: undefined, token, outcome: miss('correlation', 'a forwarded message counts as no answer') };
  const methods: readonly (readonly [CorrelationMethod, () => Promise<Found | undefined>])[] = [
    ['inReplyTo', () => byIdentifiers(question)],
    ['token', () => byToken(question, tokens)],
    ['conversationIndex', () => byConversation(question)],
    ['smartMatching', () => bySmartMatching(question)],
  ];
  for (const [method, look] of methods) {
    const found = await look();
    if (found === undefined) continue;
    const { email, by, inputs } = found;
    const subjectChanged = subjectsDiffer(email.subject, headers.subject, prefixes);
    return {
      found: { method, email },
      token: method === 'token' ? (inputs['token'] ?? token) : token,
      outcome: match('correlation', `${method}: ${by}${subjectChanged ? '; its subject was changed' : ''}`, {
        emailId: email.id,
        ...inputs,
        subjectChanged,
      }),
    };
  }
  const { inReplyTo, conversationIndex, smartMatching } = settings;
  if (!inReplyTo && !settings.token.enabled && !conversationIndex && !smartMatching.enabled)
    return { found: undefined, token, outcome: notApplicable('correlation', 'correlation is switched off') };
  return { found: undefined, token, outcome: miss('correlation', describeMiss(headers, tokens)) };
};

const describeMiss = (headers: MessageHeaders, tokens: readonly string[]): string => {
  const reply = headers.inReplyTo === null ? 'no In-Reply-To' : `In-Reply-To ${headers.inReplyTo} is not known`;
  const token = tokens.length === 0 ? 'no token' : `token ${tokens.join(', ')} is not known`;
  return `${reply}, ${token}, no conversation known`;
};
