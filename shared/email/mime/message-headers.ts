import { readConversationIndex } from '../conversation-index.ts';
import { type Automation, automationFields, readAutomation } from './automation.ts';
import { decodeWords } from './decode-text.ts';
import { type HeaderField, readHeaderFields } from './header-fields.ts';
import { type MailAddress, readAddresses } from './mail-addresses.ts';
import { readMailDate } from './mail-date.ts';
import { testMessageHeader } from './test-message-header.ts';

/** What the header of a message tells, made safe: every length is bounded and nothing is trusted. */
export interface MessageHeaders {
  /** With angle brackets; null when there is none or it is absurd. */
  readonly messageId: string | null;
  readonly from: MailAddress | null;
  readonly sender: MailAddress | null;
  readonly replyTo: readonly MailAddress[];
  readonly to: readonly MailAddress[];
  readonly cc: readonly MailAddress[];
  readonly bcc: readonly MailAddress[];
  /** Where servers on the way say that they delivered it. */
  readonly deliveredTo: readonly string[];
  readonly date: Date | null;
  readonly subject: string;
  readonly inReplyTo: string | null;
  /** Oldest first. */
  readonly references: readonly string[];
  /** The Thread-Index header, by which Outlook and Exchange tell a conversation; null when there is none that is one. */
  readonly conversationIndex: string | null;
  readonly priority: 'low' | 'normal' | 'high';
  /** What kind of program sent it; null: a person, as far as one can tell. */
  readonly automation: Automation | null;
  /** Sent by a program: no record is made of its sender. */
  readonly automatic: boolean;
  /** Rights-protected: only its addressees can open it. */
  readonly isProtected: boolean;
  /** The hub's own message that tries a mailbox out; anyone can claim that, so it counts from the mailbox's owner only. */
  readonly isTestMessage: boolean;
}

/** The fields to ask a server for before a body is read. */
export const decisionFields: readonly string[] = [
  'Message-ID',
  'Date',
  'From',
  'Sender',
  'Reply-To',
  'To',
  'Cc',
  'Bcc',
  'Subject',
  'In-Reply-To',
  'References',
  'Delivered-To',
  'X-Original-To',
  'Envelope-To',
  'X-Envelope-To',
  'X-Delivered-To',
  'Thread-Index',
  ...automationFields,
  'Content-Class',
  'Importance',
  'X-Priority',
  testMessageHeader,
];

/** Which address a server on the way had before it when it passed the message on. */
const deliveryFields = ['delivered-to', 'x-original-to', 'envelope-to', 'x-envelope-to', 'x-delivered-to'];

const longestSubject = 1_000;
const longestMessageId = 900;
const mostReferences = 50;

const identifierPattern = /<[^<>\s]+>/g;

const readIdentifiers = (value: string | undefined): readonly string[] =>
  (value?.match(identifierPattern) ?? [])
    .filter((one) => one.length <= longestMessageId)
    .map((one) => one.toWellFormed());

/** A Message-ID; some programs leave the angle brackets out. */
const readIdentifier = (value: string | undefined): string | null => {
  const [first] = readIdentifiers(value);
  if (first !== undefined) return first;
  const bare = value?.trim().toWellFormed() ?? '';
  return /^[^<>\s]+$/.test(bare) && bare.length <= longestMessageId ? `<${bare}>` : null;
};

const readPriority = (importance: string | undefined, number: string | undefined): MessageHeaders['priority'] => {
  const rank = Number.parseInt(number ?? '3', 10);
  if (/^\s*high/i.test(importance ?? '') || rank === 1 || rank === 2) return 'high';
  return /^\s*low/i.test(importance ?? '') || rank === 4 || rank === 5 ? 'low' : 'normal';
};

const readSubject = (value: string): string =>
  decodeWords(value.slice(0, 10 * longestSubject))
    .replace(/\p{Cc}+/gu, ' ')
    .slice(0, longestSubject)
    .toWellFormed();

/** Reads the fields of a header that matter. Never throws, whatever stands there. */
export const readMessageHeaders = (header: Buffer): MessageHeaders => interpretFields(readHeaderFields(header));

export const interpretFields = (fields: readonly HeaderField[]): MessageHeaders => {
  const values = new Map<string, string[]>();
  for (const { name, value } of fields) {
    const known = values.get(name);
    if (known === undefined) values.set(name, [value]);
    else known.push(value);
  }
  const first = (name: string): string | undefined => values.get(name)?.[0];
  const all = (name: string): string => values.get(name)?.join(', ') ?? '';
  const [sender = null] = readAddresses(first('sender') ?? '');
  const [from = sender] = readAddresses(first('from') ?? '');
  const subject = readSubject(first('subject') ?? '');
  const automation = readAutomation(first, from, subject);
  return {
    messageId: readIdentifier(first('message-id')),
    from,
    sender,
    replyTo: readAddresses(first('reply-to') ?? ''),
    to: readAddresses(all('to')),
    cc: readAddresses(all('cc')),
    bcc: readAddresses(all('bcc')),
    deliveredTo: readAddresses(deliveryFields.map(all).join(', ')).map(({ address }) => address),
    date: readMailDate(first('date') ?? ''),
    subject,
    inReplyTo: readIdentifier(first('in-reply-to')),
    // The oldest one names the thread, the newest ones its latest turn.
    references: shorten(readIdentifiers(all('references'))),
    conversationIndex: readConversationIndex(first('thread-index')),
    priority: readPriority(first('importance'), first('x-priority')),
    automation,
    automatic: automation !== null,
    isTestMessage: first(testMessageHeader.toLowerCase()) !== undefined,
    isProtected: /^\s*rpmsg\.message/i.test(first('content-class') ?? ''),
  };
};

const shorten = (references: readonly string[]): readonly string[] =>
  references.length <= mostReferences
    ? references
    : [...references.slice(0, 1), ...references.slice(1 - mostReferences)];
