import { listParts, type MimePart } from './mime-parts.ts';
import { decodeTransferEncoding } from './transfer-encoding.ts';

// RFC 2046 section 5.2.1, and RFC 6532 section 3.7 for what has addresses or headers beyond ASCII.
const messageTypes: ReadonlySet<string> = new Set(['message/rfc822', 'message/global']);

/** Some servers attach a message as a plain file. */
const isMessageFile = ({ contentType, fileName }: MimePart): boolean =>
  contentType === 'application/octet-stream' && /\.eml$/i.test(fileName ?? '');

/** The bytes of the first message that this one carries as an attachment; undefined when there is none. */
export const findForwardedMessage = (raw: Buffer): Buffer | undefined => {
  const part = listParts(raw).find((one) => messageTypes.has(one.contentType) || isMessageFile(one));
  if (part === undefined || part.end <= part.start) return undefined;
  // RFC 2046 section 5.2.1 allows no encoding but the identity; it is met all the same.
  return decodeTransferEncoding(raw.subarray(part.start, part.end), part.encoding);
};
