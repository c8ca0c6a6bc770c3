/**
 * Takes the place of `iconv-lite` in the bundles: its tables of East Asian character sets are 250 KB, and twice in a
 * bundle, while Node brings the same with its own TextDecoder. What mail needs besides is here: UTF-7, the names of
 * mailboxes in IMAP, and the old DOS pages that no browser knows.
 */

// Other names of sets that TextDecoder knows, without the signs between letters and digits.
const names: Readonly<Record<string, string>> = {
  binary: 'latin1',
  cp932: 'shift_jis',
  eucjp: 'euc-jp',
  jis: 'iso-2022-jp',
  cp936: 'gbk',
  ms936: 'gbk',
  windows936: 'gbk',
  cp949: 'euc-kr',
  ms949: 'euc-kr',
  cp950: 'big5',
  ms950: 'big5',
  windows950: 'big5',
  utf16: 'utf-16le',
  ucs2: 'utf-16le',
  macroman: 'macintosh',
  maccyrillic: 'x-mac-cyrillic',
};

// The upper half of each page, from 0x80.
const pages: Readonly<Record<string, string>> = {
  cp437:
    'ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u00a0',
  cp850:
    'ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜø£Ø×ƒáíóúñÑªº¿®¬½¼¡«»░▒▓│┤ÁÂÀ©╣║╗╝¢¥┐└┴┬├─┼ãÃ╚╔╩╦╠═╬¤ðÐÊËÈıÍÎÏ┘┌█▄¦Ì▀ÓßÔÒõÕµþÞÚÛÙýÝ¯´\u00ad±‗¾¶§÷¸°¨·¹³²■\u00a0',
  cp852:
    'ÇüéâäůćçłëŐőîŹÄĆÉĹĺôöĽľŚśÖÜŤťŁ×čáíóúĄąŽžĘę¬źČş«»░▒▓│┤ÁÂĚŞ╣║╗╝Żż┐└┴┬├─┼Ăă╚╔╩╦╠═╬¤đĐĎËďŇÍÎě┘┌█▄ŢŮ▀ÓßÔŃńňŠšŔÚŕŰýÝţ´\u00ad˝˛ˇ˘§÷¸°¨˙űŘř■\u00a0',
};

const canonical = (name: string): string =>
  name
    .toLowerCase()
    .replace(/[^a-z0-9]/g, '')
    .replace(/^ibm(?=\d)/, 'cp');

const decodePage = (bytes: Uint8Array, upper: string): string =>
  Array.from(bytes, (byte) => (byte < 0x80 ? String.fromCharCode(byte) : upper[byte - 0x80])).join('');

/** The text of a shifted run: UTF-16 with the high byte first, in Base64. */
const decodeRun = (base64: string): string => {
  const bytes = Buffer.from(base64, 'base64');
  return bytes
    .subarray(0, bytes.length - (bytes.length % 2))
    .swap16()
    .toString('utf16le');
};

/** RFC 2152. */
const decodeUtf7 = (text: string): string =>
  text.replace(/\+([A-Za-z0-9+/]*)-?/g, (_, run: string) => (run === '' ? '+' : decodeRun(run)));

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
const decode = (bytes: Uint8Array, charset: string): string => {
  const name = canonical(charset);
  const page = pages[name === 'cp858' ? 'cp850' : name];
  if (page !== undefined) return decodePage(bytes, page);
  if (name === 'utf7' || name === 'unicode11utf7') return decodeUtf7(Buffer.from(bytes).toString('latin1'));
  if (name === 'utf7imap') return decodeMailboxName(Buffer.from(bytes).toString('latin1'));
  return new TextDecoder(names[name] ?? charset).decode(bytes);
};

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
