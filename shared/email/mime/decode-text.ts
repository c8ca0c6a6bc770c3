import { isUtf8 } from 'node:buffer';
import libmime from 'libmime';
import libmimeCharset from 'libmime/lib/charset.js';

// What people and programs write instead of naming the character set that they use.
const unnamed = /^(?:us-ascii|ascii|7bit|8bit|binary|unknown.*|x-unknown|default.*|none|)$/i;

const withoutBreaks = (text: string): string => text.toWellFormed();

/** Bytes without a (true) character set: UTF-8 if they can be that, else the Western set that is right most often. */
const guess = (bytes: Buffer): string =>
  isUtf8(bytes) ? bytes.toString('utf8') : new TextDecoder('windows-1252').decode(bytes);

/** Decodes bytes in a character set as it is named in a message. Never throws; what cannot be read becomes U+FFFD. */
export const decodeText = (bytes: Buffer, charset: string | undefined): string => {
  const name = (charset ?? '').trim();
  if (unnamed.test(name)) return withoutBreaks(guess(bytes));
  try {
    return withoutBreaks(new TextDecoder(name).decode(bytes));
  } catch {
    // Sets that only mail knows, such as UTF-7.
    try {
      return withoutBreaks(libmimeCharset.decode(bytes, name));
    } catch {
      return withoutBreaks(guess(bytes));
    }
  }
};

/** Header bytes as text: UTF-8 (RFC 6532) or the 8-bit text that older programs put there. */
export const decodeHeaderBytes = guess;

// What short texts mostly are: one encoded word and nothing else.
const lone = /^=\?utf-8\?(?:q\?([!->@-~]*)|b\?([A-Za-z0-9+/]*={0,2}))\?=$/i;
const escaped = /=([0-9A-Fa-f]{2})/g;

const decodeLone = (quoted: string | undefined, base64: string | undefined): string => {
  const bytes =
    quoted === undefined
      ? Buffer.from(base64 ?? '', 'base64')
      : Buffer.from(
          quoted
            .replaceAll('_', ' ')
            .replace(escaped, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
          'latin1',
        );
  return bytes.toString('utf8');
};

/** The encoded words of RFC 2047 as text. Never throws; what cannot be read stays as it is. */
export const decodeWords = (text: string): string => {
  if (!text.includes('=?')) return text.toWellFormed();
  const word = lone.exec(text);
  if (word !== null) return decodeLone(word[1], word[2]);
  try {
    return libmime.decodeWords(text).toWellFormed();
  } catch {
    return text.toWellFormed();
  }
};

/** A header value with its parameters, names in lower case. Never throws. */
export const parseParameters = (
  value: string,
): { readonly value: string; readonly params: Readonly<Record<string, string>> } => {
  try {
    const parsed = libmime.parseHeaderValue(value);
    return { value: (parsed.value ?? '').trim().toLowerCase(), params: parsed.params ?? {} };
  } catch {
    return { value: (value.split(';')[0] ?? '').trim().toLowerCase(), params: {} };
  }
};
