import { TextDecoder } from 'node:util';

/*
 * Character sets as mail names them. Node's TextDecoder knows all that browsers know; what mail has besides stands here:
 * other names of them, Unicode with other widths, the sets that shift between alphabets, and the pages of DOS.
 */

// Other names of sets that TextDecoder knows, without the signs between letters and digits.
const names: Readonly<Record<string, string>> = {
  utf8mb4: 'utf-8',
  utf8sig: 'utf-8',
  binary: 'latin1',
  cp51932: 'euc-jp',
  eucjp: 'euc-jp',
  eucjpms: 'euc-jp',
  cp932: 'shift_jis',
  cp943: 'shift_jis',
  cp936: 'gbk',
  ms936: 'gbk',
  windows936: 'gbk',
  euccn: 'gbk',
  cp54936: 'gb18030',
  cp949: 'euc-kr',
  ms949: 'euc-kr',
  uhc: 'euc-kr',
  cp950: 'big5',
  ms950: 'big5',
  windows950: 'big5',
  macroman: 'macintosh',
  maccyrillic: 'x-mac-cyrillic',
  koi8ru: 'koi8-u',
  latin1: 'latin1',
  ucs2: 'utf-16le',
};

// The upper half of each page, from 0x80.
const pages: Readonly<Record<string, string>> = {
  cp437:
    'ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u00a0',
  cp737:
    'ΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡΣΤΥΦΧΨΩαβγδεζηθικλμνξοπρσςτυφχψ░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀ωάέήϊίόύϋώΆΈΉΊΌΎΏ±≥≤ΪΫ÷≈°∙·√ⁿ²■\u00a0',
  cp775:
    'ĆüéāäģåćłēŖŗīŹÄÅÉæÆōöĢ¢ŚśÖÜø£Ø×¤ĀĪóŻżź”¦©®¬½¼Ł«»░▒▓│┤ĄČĘĖ╣║╗╝ĮŠ┐└┴┬├─┼ŲŪ╚╔╩╦╠═╬Žąčęėįšųūž┘┌█▄▌▐▀ÓßŌŃõÕµńĶķĻļņĒŅ’\u00ad±“¾¶§÷„°∙·¹³²■\u00a0',
  cp850:
    'ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜø£Ø×ƒáíóúñÑªº¿®¬½¼¡«»░▒▓│┤ÁÂÀ©╣║╗╝¢¥┐└┴┬├─┼ãÃ╚╔╩╦╠═╬¤ðÐÊËÈıÍÎÏ┘┌█▄¦Ì▀ÓßÔÒõÕµþÞÚÛÙýÝ¯´\u00ad±‗¾¶§÷¸°¨·¹³²■\u00a0',
  cp852:
    'ÇüéâäůćçłëŐőîŹÄĆÉĹĺôöĽľŚśÖÜŤťŁ×čáíóúĄąŽžĘę¬źČş«»░▒▓│┤ÁÂĚŞ╣║╗╝Żż┐└┴┬├─┼Ăă╚╔╩╦╠═╬¤đĐĎËďŇÍÎě┘┌█▄ŢŮ▀ÓßÔŃńňŠšŔÚŕŰýÝţ´\u00ad˝˛ˇ˘§÷¸°¨˙űŘř■\u00a0',
  cp855:
    'ђЂѓЃёЁєЄѕЅіІїЇјЈљЉњЊћЋќЌўЎџЏюЮъЪаАбБцЦдДеЕфФгГ«»░▒▓│┤хХиИ╣║╗╝йЙ┐└┴┬├─┼кК╚╔╩╦╠═╬¤лЛмМнНоОп┘┌█▄Пя▀ЯрРсСтТуУжЖвВьЬ№\u00adыЫзЗшШэЭщЩчЧ§■\u00a0',
  cp857:
    'ÇüéâäàåçêëèïîıÄÅÉæÆôöòûùİÖÜø£ØŞşáíóúñÑĞğ¿®¬½¼¡«»░▒▓│┤ÁÂÀ©╣║╗╝¢¥┐└┴┬├─┼ãÃ╚╔╩╦╠═╬¤ºªÊËÈ�ÍÎÏ┘┌█▄¦Ì▀ÓßÔÒõÕµ�×ÚÛÙìÿ¯´\u00ad±�¾¶§÷¸°¨·¹³²■\u00a0',
  cp860:
    'ÇüéâãàÁçêÊèÍÔìÃÂÉÀÈôõòÚùÌÕÜ¢£Ù₧ÓáíóúñÑªº¿Ò¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u00a0',
  cp861:
    'ÇüéâäàåçêëèÐðÞÄÅÉæÆôöþûÝýÖÜø£Ø₧ƒáíóúÁÍÓÚ¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u00a0',
  cp862:
    '\u05d0\u05d1\u05d2\u05d3\u05d4\u05d5\u05d6\u05d7\u05d8\u05d9\u05da\u05db\u05dc\u05dd\u05de\u05df\u05e0\u05e1\u05e2\u05e3\u05e4\u05e5\u05e6\u05e7\u05e8\u05e9\u05ea¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u00a0',
  cp863:
    'ÇüéâÂà¶çêëèïî‗À§ÉÈÊôËÏûù¤ÔÜ¢£ÙÛƒ¦´óú¨¸³¯Î⌐¬½¼¾«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u00a0',
  cp864:
    '°·∙√▒─│┼┤┬├┴┐┌└┘β∞φ±½¼≈«»\ufef7\ufef8��\ufefb\ufefc�\u00a0\u00ad\ufe82£¤\ufe84��\ufe8e\ufe8f\ufe95\ufe99\u060c\ufe9d\ufea1\ufea5\u0660\u0661\u0662\u0663\u0664\u0665\u0666\u0667\u0668\u0669\ufed1\u061b\ufeb1\ufeb5\ufeb9\u061f¢\ufe80\ufe81\ufe83\ufe85\ufeca\ufe8b\ufe8d\ufe91\ufe93\ufe97\ufe9b\ufe9f\ufea3\ufea7\ufea9\ufeab\ufead\ufeaf\ufeb3\ufeb7\ufebb\ufebf\ufec1\ufec5\ufecb\ufecf¦¬÷×\ufec9\u0640\ufed3\ufed7\ufedb\ufedf\ufee3\ufee7\ufeeb\ufeed\ufeef\ufef3\ufebd\ufecc\ufece\ufecd\ufee1\ufe7d\u0651\ufee5\ufee9\ufeec\ufef0\ufef2\ufed0\ufed5\ufef5\ufef6\ufedd\ufed9\ufef1■�',
  cp865:
    'ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜø£Ø₧ƒáíóúñÑªº¿⌐¬½¼¡«¤░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u00a0',
  cp869:
    '������Ά�·¬¦‘’Έ―ΉΊΪΌ��ΎΫ©Ώ²³ά£έήίϊΐόύΑΒΓΔΕΖΗ½ΘΙ«»░▒▓│┤ΚΛΜΝ╣║╗╝ΞΟ┐└┴┬├─┼ΠΡ╚╔╩╦╠═╬ΣΤΥΦΧΨΩαβγ┘┌█▄δε▀ζηθικλμνξοπρσςτ΄\u00ad±υφχ§ψ΅°¨ωϋΰώ■\u00a0',
  viscii:
    'ẠẮẰẶẤẦẨẬẼẸẾỀỂỄỆỐỒỔỖỘỢỚỜỞỊỎỌỈỦŨỤỲÕắằặấầẩậẽẹếềểễệốồổỗỠƠộờởịỰỨỪỬơớƯÀÁÂÃẢĂẳẵÈÉÊẺÌÍĨỳĐứÒÓÔạỷừửÙÚỹỵÝỡưàáâãảăữẫèéêẻìíĩỉđựòóôõỏọụùúũủýợỮ',
};

const canonical = (name: string): string =>
  name
    .toLowerCase()
    .replace(/[^a-z0-9]/g, '')
    .replace(/^(?:cs|x)(?=.)/, '')
    .replace(/^(?:ibm|dos)(?=\d)/, 'cp')
    .replace(/^(?:win|windows)(?=125\d$|874$)/, 'windows-');

const decodePage = (bytes: Uint8Array, upper: string): string =>
  Array.from(bytes, (byte) => (byte < 0x80 ? String.fromCharCode(byte) : upper[byte - 0x80])).join('');

const decodeWide = (bytes: Uint8Array, width: 2 | 4, defaultOrder: 'big' | 'little'): string => {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length - (bytes.length % width));
  const read = (at: number, order: 'big' | 'little'): number => {
    if (width === 2) return order === 'big' ? view.readUInt16BE(at) : view.readUInt16LE(at);
    return order === 'big' ? view.readUInt32BE(at) : view.readUInt32LE(at);
  };
  const marked = view.length > 0 && (['big', 'little'] as const).find((order) => read(0, order) === 0xfeff);
  const order = marked || defaultOrder;
  let text = '';
  for (let at = marked ? width : 0; at < view.length; at += width) {
    const unit = read(at, order);
    text += width === 2 ? String.fromCharCode(unit) : String.fromCodePoint(unit > 0x10_ffff ? 0xfffd : unit);
  }
  return text;
};

/** RFC 2152: a shifted run is UTF-16 with the high byte first, in Base64. */
const decodeUtf7 = (bytes: Uint8Array): string =>
  Buffer.from(bytes)
    .toString('latin1')
    .replace(/\+([A-Za-z0-9+/]*)-?/g, (_, run: string) =>
      run === '' ? '+' : decodeWide(Buffer.from(run, 'base64'), 2, 'big'),
    );

const eightBit = (text: string): Buffer => Buffer.from(text, 'latin1').map((byte) => byte | 0x80) as Buffer;

/** RFC 1843: between `~{` and `~}` stand the codes of GB 2312 in seven bits. */
const decodeHz = (bytes: Uint8Array): string => {
  const text = Buffer.from(bytes)
    .toString('latin1')
    .replace(/~\n/g, '')
    .replace(/~\{([\x21-\x7e]*?)(?:~\}|(?=\n)|$)/g, (_, run: string) => eightBit(run).toString('latin1'))
    .replaceAll('~~', '~');
  return browserDecoder('gbk').decode(Buffer.from(text, 'latin1'));
};

const [escapeSign, shiftOut, shiftIn] = ['\u001b', '\u000e', '\u000f'];
const designation = new RegExp(`${escapeSign}\\$[)*][A-Z]`, 'g');
const shiftedRun = new RegExp(`${shiftOut}([^${shiftIn}\\n]*)${shiftIn}?`, 'g');

/** RFC 1557 and 1922: between SO and SI stand the codes of the designated set in seven bits. */
const decodeShifted = (bytes: Uint8Array, charset: string): string => {
  const text = Buffer.from(bytes)
    .toString('latin1')
    .replace(designation, '')
    .replace(shiftedRun, (_, run: string) => eightBit(run).toString('latin1'));
  return browserDecoder(charset).decode(Buffer.from(text, 'latin1'));
};

const idleEscape = new RegExp(`${escapeSign}(?:\\([BJI]|\\$[@B])(?=${escapeSign})`, 'g');

/** Where texts were joined an escape follows another one, which browsers take for an error. */
const decodeJapanese = (bytes: Uint8Array): string => {
  const text = Buffer.from(bytes).toString('latin1').replace(idleEscape, '');
  return browserDecoder('iso-2022-jp').decode(Buffer.from(text, 'latin1'));
};

const decoders: Readonly<Record<string, (bytes: Uint8Array) => string>> = {
  utf7: decodeUtf7,
  unicode11utf7: decodeUtf7,
  unicode20utf7: decodeUtf7,
  // RFC 2781 section 4.3: without a mark the high byte comes first.
  utf16: (bytes) => decodeWide(bytes, 2, 'big'),
  utf32: (bytes) => decodeWide(bytes, 4, 'big'),
  utf32be: (bytes) => decodeWide(bytes, 4, 'big'),
  utf32le: (bytes) => decodeWide(bytes, 4, 'little'),
  iso10646ucs2: (bytes) => decodeWide(bytes, 2, 'big'),
  hzgb2312: decodeHz,
  hz: decodeHz,
  iso2022jp: decodeJapanese,
  iso2022jp1: decodeJapanese,
  iso2022jp2: decodeJapanese,
  iso2022jp3: decodeJapanese,
  iso2022jp2004: decodeJapanese,
  iso2022jpms: decodeJapanese,
  jis: decodeJapanese,
  cp50220: decodeJapanese,
  cp50221: decodeJapanese,
  iso2022kr: (bytes) => decodeShifted(bytes, 'euc-kr'),
  iso2022cn: (bytes) => decodeShifted(bytes, 'gbk'),
  iso2022cnext: (bytes) => decodeShifted(bytes, 'gbk'),
  cp858: (bytes) => decodePage(bytes, (pages['cp850'] ?? '').replace('ı', '€')),
};

const mostNames = 500;
const browserDecoders = new Map<string, TextDecoder>();

/** One decoder for each set: making one costs more than reading a header with it. */
const browserDecoder = (charset: string): TextDecoder => {
  const known = browserDecoders.get(charset);
  if (known !== undefined) return known;
  const made = new TextDecoder(charset);
  // The names that it takes are few, but come in any case.
  if (browserDecoders.size < mostNames) browserDecoders.set(charset, made);
  return made;
};

const knownToBrowsers = (charset: string, name: string): TextDecoder => {
  try {
    return browserDecoder(charset);
  } catch {
    return browserDecoder(names[name] ?? name);
  }
};

/** @throws RangeError for a character set that is not known */
export const decodeCharset = (bytes: Uint8Array, charset: string): string => {
  if (/^utf-?8$/i.test(charset)) return browserDecoder('utf-8').decode(bytes);
  const name = canonical(charset);
  const page = pages[name];
  if (page !== undefined) return decodePage(bytes, page);
  return decoders[name]?.(bytes) ?? knownToBrowsers(charset, name).decode(bytes);
};
