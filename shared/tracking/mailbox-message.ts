import { messageIdentity } from '../email/message-identity.ts';
import { findBody, readHeaderFields } from '../email/mime/header-fields.ts';
import type { MessageHeaders } from '../email/mime/message-headers.ts';
import { fingerprint } from '../platform/identifier.ts';
import type { ReceiptSource } from '../transport/mailbox-session.ts';
import type { Decision } from './decision.ts';
import type { ManualTracking } from './manual-tracking.ts';

/** A message as it stands in a mailbox, before its body is read. */
export interface MailboxMessage {
  readonly folder: string;
  /** Outgoing: it stands in the Sent folder. */
  readonly direction: 'incoming' | 'outgoing';
  readonly uidValidity: string;
  readonly uid: number;
  readonly sizeBytes: number;
  /** When the server received it. */
  readonly receivedAt: Date;
  /** Where the server does not tell that: what it was taken from. */
  readonly receiptSource?: ReceiptSource | undefined;
  /** What a server that knows no UIDs calls it, null where it has no names either; the UID is one that was given to it. */
  readonly uidl?: string | null | undefined;
  /** It came in while the folder was already being watched. */
  readonly isArrival: boolean;
  readonly headers: MessageHeaders;
  /** Present when somebody asked for it to be tracked. */
  readonly manual?: ManualTracking | undefined;
  /** The sent emails that it reports on: a bounce, a notice or a receipt. */
  readonly reportsOn?: readonly string[] | undefined;
  /** The decision that the next one takes the place of, where it was looked up: it is kept in the history. */
  readonly previous?: Decision | undefined;
  /** Of a message that another one equals in all that is known of a header: what its content is, which tells them apart. */
  readonly twin?: string | undefined;
}

const identities = new WeakMap<MessageHeaders, string>();

/** What makes the message the same in every mailbox; undefined without a Message-ID, when only its content tells. */
export const identityOf = (headers: MessageHeaders): string | undefined => {
  const { messageId, from, date } = headers;
  if (messageId === null) return undefined;
  // Each step of a decision asks for it.
  const known = identities.get(headers);
  if (known !== undefined) return known;
  const identity = messageIdentity(messageId, from?.address ?? '', date);
  identities.set(headers, identity);
  return identity;
};

/** Derives an identifier of a message in a mailbox once: each step of a decision asks for it again. */
export const derivedOnce = (
  derive: (mailboxId: string, message: MailboxMessage) => string,
): ((mailboxId: string, message: MailboxMessage) => string) => {
  const derived = new WeakMap<MailboxMessage, { readonly mailboxId: string; readonly id: string }>();
  return (mailboxId, message) => {
    const known = derived.get(message);
    if (known?.mailboxId === mailboxId) return known.id;
    const id = derive(mailboxId, message);
    derived.set(message, { mailboxId, id });
    return id;
  };
};

/** Tells a message again in the same mailbox and folder, whatever its UID is now. */
export const seedOf = (mailboxId: string, message: MailboxMessage): string => {
  const { headers, folder } = message;
  const identity =
    identityOf(headers) ??
    fingerprint(headers.from?.address ?? '', String(headers.date?.getTime()), headers.subject, `${message.sizeBytes}`);
  return `${mailboxId}#${folder}#${identity}`;
};

/**
 * The identity of a message without Message-ID: what its sender wrote, without what servers on the way put into the
 * header. Where there is no header nobody put anything into it, and all of the message is what its sender wrote.
 */
export const contentIdentity = (headers: MessageHeaders, raw: Buffer): string => {
  const { headerEnd, bodyStart } = findBody(raw, 0, raw.length);
  const hasHeader = readHeaderFields(raw.subarray(0, headerEnd)).length > 0;
  return fingerprint(
    'content',
    headers.from?.address ?? '',
    String(headers.date?.getTime()),
    headers.subject,
    ...headers.to.map(({ address }) => address),
    raw.subarray(hasHeader ? bodyStart : 0).toString('latin1'),
  );
};
