import { isUtf8 } from 'node:buffer';
import libmime from 'libmime';
import { decodeCharset } from './charsets.ts';

// What people and programs write instead of naming the character set that they use.
const unnamed = /^(?:us-ascii|ascii|7bit|8bit|binary|unknown.*|x-unknown|default.*|none|)$/i;

const withoutBreaks = (text: string): string => text.toWellFormed();

/** Bytes without a (true) character set: UTF-8 if they can be that, else the Western set that is right most often. */
const guess = (bytes: Buffer): string =>
  isUtf8(bytes) ? bytes.toString('utf8') : new TextDecoder('windows-1252').decode(bytes);

/** Decodes bytes in a character set as it is named in a message. Never throws; what cannot be read becomes U+FFFD. */
export const decodeText = (bytes: Buffer, charset: string | undefined): string => {
  const name = (charset ?? '').trim().replace(/^["']+|["']+$/g, '');
  if (unnamed.test(name)) return withoutBreaks(guess(bytes));
  try {
    return withoutBreaks(decodeCharset(bytes, name));
  } catch {
    return withoutBreaks(guess(bytes));
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

// The language of RFC 2231 section 5 is passed over. Some programs leave blanks in encoded words.
const encodedWord = /=\?([^?*\s]{1,60})(?:\*[^?\s]{0,60})?\?([bq])\?([^?]*)\?=/gi;

interface Words {
  readonly charset: string;
  readonly encoding: string;
  readonly text: string;
}

const decodeQ = (text: string): Buffer =>
  // What stands there unencoded against the rules was read as UTF-8.
  Buffer.from(
    Buffer.from(text)
      .toString('latin1')
      .replaceAll('_', ' ')
      .replace(/=([0-9a-f]{2})/gi, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16))),
    'latin1',
  );

/** The bytes of words in one encoding; some programs cut Base64 itself, not what it stands for. */
const decodeRun = (encoding: string, texts: readonly string[]): Buffer => {
  if (encoding === 'q') return decodeQ(texts.join(''));
  const isCut = texts.some((text) => text.length % 4 !== 0);
  return Buffer.concat((isCut ? [texts.join('')] : texts).map((text) => Buffer.from(text, 'base64')));
};

/** Neighbours in one character set are decoded as one: programs cut in the middle of characters. */
const decodeNeighbours = (words: readonly Words[]): string => {
  let text = '';
  for (let start = 0; start < words.length; ) {
    const { charset } = words[start] ?? { charset: '' };
    const parts: Buffer[] = [];
    while (words[start]?.charset === charset) {
      const { encoding } = words[start] ?? { encoding: 'q' };
      const texts: string[] = [];
      for (; words[start]?.charset === charset && words[start]?.encoding === encoding; start += 1)
        texts.push(words[start]?.text ?? '');
      parts.push(decodeRun(encoding, texts));
    }
    text += decodeText(Buffer.concat(parts), charset);
  }
  return text;
};

/** The encoded words of RFC 2047 as text. Never throws; what cannot be read stays as it is. */
export const decodeWords = (text: string): string => {
  if (!text.includes('=?')) return text.toWellFormed();
  const only = lone.exec(text);
  if (only !== null) return decodeLone(only[1], only[2]).toWellFormed();
  let decoded = '';
  let words: Words[] = [];
  let end = 0;
  for (const match of text.matchAll(encodedWord)) {
    const [whole, charset = '', encoding = '', content = ''] = match;
    const between = text.slice(end, match.index);
    // Blanks between two encoded words belong to neither (RFC 2047 section 6.2).
    if (words.length === 0 || between.trim() !== '') {
      decoded += decodeNeighbours(words) + between;
      words = [];
    }
    words.push({ charset: charset.toLowerCase(), encoding: encoding.toLowerCase(), text: content });
    end = match.index + whole.length;
  }
  return (decoded + decodeNeighbours(words) + text.slice(end)).toWellFormed();
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
