import type { Settings } from '../organization/settings.ts';
import { normalizeAddress } from '../platform/address.ts';
import { fingerprint } from '../platform/identifier.ts';
import { withoutTokens } from './tracking-token.ts';

export type SmartMatchingSettings = Settings['correlation']['smartMatching'];

/** What smart matching compares of a message: no word and no address of it can be read from this. */
export interface MessagePrint {
  readonly words: readonly string[];
  readonly addresses: readonly string[];
}

// "Re:", "AW:", and any other word with a colon, as often as they stand there; "Out of office:" is more than a word.
const noise = /^\s*(?:[\p{L}\p{M}\p{N}_]+\s?[:：]\s*)+/u;

export const addressPrint = (address: string): string => fingerprint('address', normalizeAddress(address)).slice(0, 16);

const wordPrint = (word: string): string => fingerprint('word', word).slice(0, 10);

/**
 * The print of a message: its subject word by word without noise and tokens, and everyone in From, To, Cc and Bcc, of
 * both the first ones only.
 */
export const printMessage = (
  subject: string,
  addresses: readonly string[],
  tokenPrefixes: readonly string[],
  { maxWords }: SmartMatchingSettings,
): MessagePrint => {
  const bare = withoutTokens(subject, tokenPrefixes).normalize('NFC').toLowerCase().replace(noise, '');
  const words = bare.split(/\s+/).filter((word) => word !== '');
  return {
    words: words.slice(0, maxWords).map(wordPrint),
    addresses: [...new Set(addresses.map(addressPrint))].slice(0, maxWords),
  };
};

const countOf = (words: readonly string[]): Map<string, number> => {
  const counts = new Map<string, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  return counts;
};

/** Whether all words of the shorter one stand in the longer one, which has at most `delta` more. */
const wordsAgree = (one: readonly string[], other: readonly string[], delta: number): boolean => {
  const [shorter, longer] = one.length <= other.length ? [one, other] : [other, one];
  if (shorter.length === 0 || longer.length - shorter.length > delta) return false;
  const left = countOf(longer);
  return shorter.every((word) => {
    const count = left.get(word) ?? 0;
    left.set(word, count - 1);
    return count > 0;
  });
};

/** Whether two messages belong together by what their subjects and participants have in common. */
export const printsAgree = (
  one: MessagePrint,
  other: MessagePrint,
  { deltaWords, minAddresses }: SmartMatchingSettings,
): boolean => {
  if (!wordsAgree(one.words, other.words, deltaWords)) return false;
  const known = new Set(other.addresses);
  return one.addresses.filter((address) => known.has(address)).length >= minAddresses;
};
