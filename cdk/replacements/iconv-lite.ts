/**
 * Takes the place of `iconv-lite` in the bundles: its tables of East Asian character sets are 250 KB, and twice in a
 * bundle, while Node brings the same with its own TextDecoder. What mail needs besides is here: UTF-7, the names of
 * mailboxes in IMAP, and the old DOS pages that no browser knows.
 */

import { decodeCharset } from '../../shared/email/mime/charsets.ts';

const canonical = (name: string): string => name.toLowerCase().replace(/[^a-z0-9]/g, '');

/** The text of a shifted run: UTF-16 with the high byte first, in Base64. */
const decodeRun = (base64: string): string => {
  const bytes = Buffer.from(base64, 'base64');
  return bytes
    .subarray(0, bytes.length - (bytes.length % 2))
    .swap16()
    .toString('utf16le');
};

/** RFC 3501 section 5.1.3. */
const decodeMailboxName = (text: string): string =>
  text.replace(/&([A-Za-z0-9+,]*)-/g, (_, run: string) => (run === '' ? '&' : decodeRun(run.replaceAll(',', '/'))));

const encodeMailboxName = (text: string): string =>
  text.replace(/&|[^\x20-\x7e]+/g, (run) => {
    if (run === '&') return '&-';
    const base64 = Buffer.from(run, 'utf16le').swap16().toString('base64');
    return `&${base64.replace(/=+$/, '').replaceAll('/', ',')}-`;
  });

/** @throws RangeError for a character set that is not known. */
const decode = (bytes: Uint8Array, charset: string): string =>
  canonical(charset) === 'utf7imap'
    ? decodeMailboxName(Buffer.from(bytes).toString('latin1'))
    : decodeCharset(bytes, charset);

/** @throws RangeError for anything but names of mailboxes and UTF-8: nothing here writes other sets. */
const encode = (text: string, charset: string): Buffer => {
  const name = canonical(charset);
  if (name === 'utf7imap') return Buffer.from(encodeMailboxName(text), 'latin1');
  if (name === 'utf8') return Buffer.from(text, 'utf8');
  throw new RangeError(`Text is not encoded as ${charset} here`);
};

const iconv = { decode, encode };

// biome-ignore lint/style/noDefaultExport: it stands in for a package that has one
export default iconv;
// For dependencies that call require().
export { decode, encode };
