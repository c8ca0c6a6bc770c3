import type { Organization } from '../organization/organization.ts';
import type { Settings } from '../organization/settings.ts';

/** The part of the settings that shapes tokens. */
export type TokenSettings = Settings['correlation']['token'];

/** Stands where a digit once told online from offline clients; kept so that the length is the one people know. */
const leadingDigit = '0';
const fewestDigits = 3;
const mostDigits = 20;
/** A subject that is full of tokens costs a look-up each; the last ones are the newest. */
const tokensPerSubject = 5;

/**
 * The token of an owner's nth email: prefix, one leading digit, number of the owner, counter. The counter starts again
 * at 0 when its digits are full; the owner's number grows beyond its digits rather than become another owner's.
 *
 * @param count from 1
 */
export const formatToken = (settings: TokenSettings, userNumber: number, count: number): string => {
  const owner = String(settings.baseNumber + userNumber).padStart(settings.userDigits, '0');
  const counter = String(count % 10 ** settings.counterDigits).padStart(settings.counterDigits, '0');
  return `${settings.prefix}${leadingDigit}${owner}${counter}`;
};

const escapePattern = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

// Neither in the middle of a word nor of a number: "ABCRM:0017001" and a part of a longer number are no tokens.
const tokenPattern = (prefixes: readonly string[]): string =>
  `(?<![\\p{L}\\p{N}])(?:${prefixes.map(escapePattern).join('|')})\\d{${fewestDigits},${mostDigits}}(?!\\d)`;

/** The prefix of today, and those that tokens in older mail begin with. */
export const tokenPrefixes = (
  organization: Pick<Organization, 'settings' | 'formerTokenPrefixes'>,
): readonly string[] => [organization.settings.correlation.token.prefix, ...(organization.formerTokenPrefixes ?? [])];

/** The tokens that a subject carries, the last one first. Any number of digits is taken, as settings may have changed. */
export const findTokens = (subject: string, prefixes: readonly string[]): readonly string[] => {
  if (!prefixes.some((prefix) => subject.includes(prefix))) return [];
  const found = subject.match(new RegExp(tokenPattern(prefixes), 'gu')) ?? [];
  return [...new Set(found.reverse())].slice(0, tokensPerSubject);
};

/** The subject without any token, as it was before. */
export const withoutTokens = (subject: string, prefixes: readonly string[]): string =>
  prefixes.some((prefix) => subject.includes(prefix))
    ? subject.replace(new RegExp(`\\s*${tokenPattern(prefixes)}`, 'gu'), '').trim()
    : subject;

const lengthOf = (text: string): number => [...text].length;

/** The longest beginning of the text of at most `limit` characters (code points) that splits no visible character. */
const cut = (text: string, limit: number): string => {
  if (lengthOf(text) <= limit) return text;
  // Made here, since its tables take long to load and few subjects are cut.
  const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });
  let kept = '';
  let length = 0;
  for (const { segment } of graphemes.segment(text)) {
    length += lengthOf(segment);
    if (length > limit) break;
    kept += segment;
  }
  return kept.trimEnd();
};

/**
 * The subject with the token at its end, cut so that both fit into `maxLength` characters. A token that already ends
 * the subject, this or the one of the email that is answered, gives way to it. Where there is no token, or it alone
 * does not fit, the subject goes without.
 */
export const appendToken = (
  subject: string,
  token: string | null,
  prefixes: readonly string[],
  maxLength: number,
): string => {
  if (token === null || lengthOf(token) > maxLength) return cut(subject, maxLength);
  const bare = subject.replace(new RegExp(`(?:(?:^|\\s+)${tokenPattern(prefixes)})+\\s*$`, 'u'), '').trimEnd();
  const kept = cut(bare, maxLength - lengthOf(token) - 1);
  return kept === '' ? token : `${kept} ${token}`;
};
