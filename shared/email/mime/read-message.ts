import libmime from 'libmime';
import { decodeText } from './decode-text.ts';
import { findBody } from './header-fields.ts';
import { type MessageHeaders, readMessageHeaders } from './message-headers.ts';
import { listParts, type MimePart } from './mime-parts.ts';
import { decodeTransferEncoding } from './transfer-encoding.ts';

/** A file in a message. Its bytes are decoded when they are asked for, one file at a time. */
export interface ReceivedFile {
  readonly fileName: string;
  readonly contentType: string;
  readonly contentId: string | undefined;
  readonly content: () => Buffer;
}

export interface ReadMessage {
  readonly headers: MessageHeaders;
  /** As it came: whoever shows HTML makes it safe first. */
  readonly html: string | undefined;
  readonly text: string | undefined;
  readonly files: readonly ReceivedFile[];
}

// What is longer is cut; the raw message keeps it all.
const longestBodyBytes = 4 * 1024 * 1024;
const longestFileName = 200;

const isBody = (part: MimePart): boolean =>
  (part.contentType === 'text/plain' || part.contentType === 'text/html') &&
  part.disposition !== 'attachment' &&
  part.fileName === undefined;

const decodeBody = (raw: Buffer, part: MimePart): string => {
  const encoded = raw.subarray(part.start, Math.min(part.end, part.start + 2 * longestBodyBytes));
  const bytes = decodeTransferEncoding(encoded, part.encoding).subarray(0, longestBodyBytes);
  const text = decodeText(bytes, part.charset).replaceAll('\r\n', '\n');
  return part.flowed && part.contentType === 'text/plain' ? libmime.decodeFlowed(text, part.deleteSpace) : text;
};

const join = (raw: Buffer, parts: readonly MimePart[], contentType: string): string | undefined => {
  const found: string[] = [];
  let length = 0;
  for (const part of parts.filter((one) => one.contentType === contentType)) {
    if (length > longestBodyBytes) break;
    const body = decodeBody(raw, part);
    length += body.length;
    found.push(body);
  }
  return found.length === 0 ? undefined : found.join('\n');
};

const extensions: Readonly<Record<string, string>> = {
  'message/rfc822': 'eml',
  'text/calendar': 'ics',
  'text/plain': 'txt',
  'text/html': 'html',
  'text/vcard': 'vcf',
  'image/jpeg': 'jpg',
  'image/png': 'png',
  'image/gif': 'gif',
  'application/pdf': 'pdf',
};

/** A name that is one plain file name on any system: no folders, no control or direction characters. */
const safeFileName = (part: MimePart, number: number): string => {
  const name = (part.fileName ?? '')
    .replace(/[\p{Cc}\p{Cf}]+/gu, '')
    .replace(/^.*[/\\]/s, '')
    .trim()
    .slice(-longestFileName)
    .toWellFormed();
  return name === '' || name === '.' || name === '..'
    ? `attachment-${number}.${extensions[part.contentType] ?? 'bin'}`
    : name;
};

/** Takes a message apart. Never throws on what a message holds; the work is bounded by its size. */
export const readMessage = (raw: Buffer): ReadMessage => {
  const parts = listParts(raw);
  const bodies = parts.filter(isBody);
  const files = parts
    .filter((part) => !isBody(part) && part.end > part.start)
    .map((part, index) => ({
      fileName: safeFileName(part, index + 1),
      contentType: part.contentType,
      contentId: part.contentId,
      content: () => decodeTransferEncoding(raw.subarray(part.start, part.end), part.encoding),
    }));
  return {
    // Mostly read before the body was; whoever has not asks for it.
    get headers() {
      return readMessageHeaders(raw.subarray(0, findBody(raw, 0, raw.length).headerEnd));
    },
    html: join(raw, bodies, 'text/html'),
    text: join(raw, bodies, 'text/plain'),
    files,
  };
};
