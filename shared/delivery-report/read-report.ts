import { decodeText } from '../email/mime/decode-text.ts';
import { findBody, readHeaderFields } from '../email/mime/header-fields.ts';
import { readMessageHeaders } from '../email/mime/message-headers.ts';
import { listParts, type MimePart } from '../email/mime/mime-parts.ts';
import { decodeTransferEncoding } from '../email/mime/transfer-encoding.ts';
import { type DeliveryReport, reportBytes } from './delivery-report.ts';
import { readDeliveryStatus } from './delivery-status.ts';
import { readDispositionNotification } from './disposition-notification.ts';
import { readTextBounce } from './text-bounce.ts';

const deliveryTypes: ReadonlySet<string> = new Set(['message/delivery-status', 'message/global-delivery-status']);
const dispositionTypes: ReadonlySet<string> = new Set([
  'message/disposition-notification',
  'message/global-disposition-notification',
]);
const returnedTypes: ReadonlySet<string> = new Set([
  'message/rfc822',
  'text/rfc822-headers',
  'message/rfc822-headers',
  'message/global',
  'message/global-headers',
]);

const contentOf = (raw: Buffer, part: MimePart): Buffer =>
  decodeTransferEncoding(raw.subarray(part.start, part.end), part.encoding);

const textOf = (raw: Buffer, parts: readonly MimePart[]): string =>
  parts
    .filter(({ contentType }) => contentType === 'text/plain')
    .slice(0, 3)
    .map((part) => decodeText(contentOf(raw, part), part.charset))
    .join('\n');

/** The Message-ID of the message that came back, with all of its content or its header alone. */
const returnedMessageId = (raw: Buffer, parts: readonly MimePart[]): string | undefined => {
  const part = parts.find(({ contentType }) => returnedTypes.has(contentType));
  return part === undefined ? undefined : (readMessageHeaders(contentOf(raw, part)).messageId ?? undefined);
};

/**
 * Takes a report apart. The returned message says whose it is; only where nothing of it came back does what the report
 * says that it answers count, as threads name further messages there.
 *
 * @param raw the message, or its beginning: no more than `reportBytes` of it are looked at
 * @returns undefined when it reports on no recipient
 */
export const readReport = (raw: Buffer): DeliveryReport | undefined => {
  const start = raw.subarray(0, reportBytes);
  const parts = listParts(start);
  const header = start.subarray(0, findBody(start, 0, start.length).headerEnd);
  const headers = readMessageHeaders(header);
  const answered = headers.inReplyTo ?? headers.references.at(-1);
  const identify = (...surest: readonly (string | undefined)[]): readonly string[] => {
    const known = [...new Set(surest.flatMap((one) => one ?? []))];
    return known.length > 0 ? known : answered === undefined ? [] : [answered];
  };
  const about = (
    found: Pick<DeliveryReport, 'recipients'> & Partial<DeliveryReport>,
    ...messageIds: readonly (string | undefined)[]
  ): DeliveryReport | undefined =>
    found.recipients.length === 0
      ? undefined
      : { envelopeId: found.envelopeId, recipients: found.recipients, messageIds: identify(...messageIds) };

  const disposition = parts.find(({ contentType }) => dispositionTypes.has(contentType));
  if (disposition !== undefined) {
    const { messageId, recipient } = readDispositionNotification(contentOf(start, disposition));
    return about({ recipients: recipient === undefined ? [] : [recipient] }, messageId);
  }
  const status = parts.find(({ contentType }) => deliveryTypes.has(contentType));
  const returned = returnedMessageId(start, parts);
  if (status !== undefined) {
    const told = about(readDeliveryStatus(contentOf(start, status)), returned);
    if (told !== undefined) return told;
  }
  const failedRecipients = readHeaderFields(header).find(({ name }) => name === 'x-failed-recipients')?.value;
  const text = readTextBounce(textOf(start, parts), headers.subject, failedRecipients);
  return text === undefined ? undefined : about(text, returned, text.messageId);
};
