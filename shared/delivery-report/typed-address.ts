/** `+40` for `@` (RFC 3461 section 4); most servers write the address as it is. */
const decodeXtext = (text: string): string =>
  text.replace(/\+([0-9A-F]{2})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));

/** `\x{E4}` for ä (RFC 6533 section 3). */
const decodeUnicode = (text: string): string =>
  text.replace(/\\x\{([0-9A-Fa-f]{1,6})\}/g, (whole, digits: string) => {
    const point = Number.parseInt(digits, 16);
    return point <= 0x10_ff_ff ? String.fromCodePoint(point) : whole;
  });

const longestAddress = 500;

/**
 * The addresses that a field such as `rfc822; carl@client.example` may mean. Kinds of addresses that no mail goes to give
 * none.
 */
export const readTypedAddress = (value: string | undefined): readonly string[] => {
  const [, type = 'rfc822', rest = ''] = /^\s*(?:([a-z0-9-]{1,20})\s*;)?\s*(.*)$/is.exec(value ?? '') ?? [];
  if (!/^(?:rfc822|utf-8|smtp)$/i.test(type)) return [];
  const bare = (/<([^<>]*)>/.exec(rest)?.[1] ?? rest.replace(/\([^()]*\)/g, '')).trim();
  if (!bare.includes('@') && !bare.includes('+40')) return [];
  const forms = [bare, decodeXtext(bare), decodeUnicode(bare)];
  return [...new Set(forms)].filter((one) => one.includes('@') && one.length <= longestAddress && !/\s/.test(one));
};
