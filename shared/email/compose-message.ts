import { Readable } from 'node:stream';
import MailComposer from 'nodemailer/lib/mail-composer';
import type { ContentStore } from '../platform/content-store.ts';
import { withCanonicalLines } from './canonical-lines.ts';
import { conversationTopic } from './conversation-topic.ts';
import type { Attachment, Email, Party } from './email.ts';
import { loadBody, rawKeyOf } from './email-body.ts';
import { toEnvelopeAddress } from './envelope-address.ts';
import { toPlainText } from './plain-text.ts';

const toMailbox = ({ address, name }: Party) => ({ address, name: name ?? '' });

/** A part of the message that must come from the content bucket and is not there. */
export class MissingContentError extends Error {
  constructor(what: string) {
    super(`${what} is missing in the content bucket`);
    this.name = 'MissingContentError';
  }
}

/** The bytes of an attachment, asked for only when the message comes to them. */
const readAttachment = (content: ContentStore, attachment: Attachment): Readable =>
  Readable.from(
    (async function* () {
      const stream = attachment.storageKey === undefined ? undefined : await content.stream(attachment.storageKey);
      if (stream === undefined) throw new MissingContentError(attachment.fileName);
      yield* stream;
    })(),
    { objectMode: false },
  );

/** Parts of these types may not be encoded (RFC 2046 section 5.2.1), so their bytes stay as they are. */
const isMessagePart = ({ contentType }: Attachment): boolean => /^message\//i.test(contentType);

const isBeyondAscii = ({ address }: Party): boolean => /[^\x20-\x7e]/.test(toEnvelopeAddress(address));

/** Whether the header names an address with letters beyond ASCII before the @: nothing encodes those (RFC 6532). */
export const hasInternationalHeader = ({ from, sender, to, cc, replyTo }: Email): boolean =>
  [from, ...(sender === null ? [] : [sender]), ...to, ...cc, ...replyTo].some(isBeyondAscii);

/** Whether the message may hold bytes above 127. */
export const isEightBit = (email: Email): boolean =>
  email.attachments.some(isMessagePart) || hasInternationalHeader(email);

/** By these Outlook and Exchange see a conversation where others look at References. */
const threadHeaders = ({ conversationIndex, subject, token }: Email) => {
  if (conversationIndex === undefined) return [];
  // The token differs from email to email; a conversation has one topic.
  const bare = token !== null && subject.endsWith(token) ? subject.slice(0, -token.length) : subject;
  return [
    { key: 'Thread-Topic', value: conversationTopic(bare) },
    { key: 'Thread-Index', value: conversationIndex },
  ];
};

/** As mail programs of all ages read it; a normal one needs none. */
const priorityHeaders = ({ priority }: Email) =>
  priority === 'normal'
    ? []
    : [
        { key: 'Importance', value: priority },
        { key: 'X-Priority', value: priority === 'high' ? '1 (Highest)' : '5 (Lowest)' },
        { key: 'X-MSMail-Priority', value: priority === 'high' ? 'High' : 'Low' },
      ];

const headersOf = (email: Email) => [
  ...Object.entries(email.headers).map(([key, value]) => ({ key, value })),
  ...threadHeaders(email),
  ...priorityHeaders(email),
  // RFC 8098 section 2.1
  ...(email.readReceipt ? [{ key: 'Disposition-Notification-To', value: toEnvelopeAddress(email.from.address) }] : []),
];

/**
 * The message as it will be sent, piece by piece. Bcc recipients appear nowhere in it. What is stored of it is byte for
 * byte what travels.
 */
export const composeMessage = async (content: ContentStore, email: Email): Promise<Readable> => {
  if (email.messageId === null || email.messageDate === undefined)
    throw new Error(`${email.id} was never accepted for sending`);
  const body = await loadBody(content, email);
  const composer = new MailComposer({
    from: toMailbox(email.from),
    ...(email.sender === null ? {} : { sender: toMailbox(email.sender) }),
    ...(email.replyTo.length === 0 ? {} : { replyTo: email.replyTo.map(toMailbox) }),
    // RFC 5322 asks for no To; mail that shows no recipient at all is taken for junk, so the usual empty group stands in.
    to: email.to.length + email.cc.length > 0 ? email.to.map(toMailbox) : 'Undisclosed recipients:;',
    cc: email.cc.map(toMailbox),
    subject: email.subject,
    messageId: email.messageId,
    date: new Date(email.messageDate),
    ...(email.references.length === 0 ? {} : { inReplyTo: email.references.at(-1), references: [...email.references] }),
    headers: headersOf(email),
    text: body.text ?? (body.html === undefined ? '' : toPlainText(body.html)),
    html: body.html,
    attachments: email.attachments.map((attachment) => ({
      filename: attachment.fileName,
      contentType: attachment.contentType,
      content: readAttachment(content, attachment),
      ...(attachment.contentId === undefined ? {} : { cid: attachment.contentId }),
    })),
    // Nothing in a message may make this function read a file or call a URL.
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  return Readable.from(withCanonicalLines(composer.compile().createReadStream()), { objectMode: false });
};

/**
 * Composes the message and stores it, so that every attempt sends the same bytes. Writes nothing but the object; until
 * the email tells of it, composing again is harmless.
 *
 * @throws MissingContentError
 */
export const storeMessage = async (
  content: ContentStore,
  organizationId: string,
  email: Email,
): Promise<{ readonly rawKey: string; readonly sizeBytes: number }> => {
  const rawKey = rawKeyOf(organizationId, email.id);
  const sizeBytes = await content.putStream(rawKey, await composeMessage(content, email), 'message/rfc822');
  return { rawKey, sizeBytes };
};
