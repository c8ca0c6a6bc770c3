import { createHash } from 'node:crypto';
import type { Pop3Listing } from '../transport/pop3/pop3-session.ts';

/** By what messages are told again from session to session. */
export type Naming =
  /** By the lasting name that the server gives them. */
  | 'uidl'
  /** By their headers, where the server gives no names or others each time. */
  | 'content';

export const nameLength = 16;

const shorten = (hash: Buffer): string => hash.subarray(0, (nameLength * 3) / 4).toString('base64url');

const nameOf = (...parts: readonly (string | Buffer)[]): string => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return shorten(hash.digest());
};

/** What is equal within one listing, against the rules or because it is the same twice, still counts apart. */
const tellApart = (names: readonly string[]): readonly string[] => {
  const seen = new Map<string, number>();
  return names.map((name) => {
    const before = seen.get(name) ?? 0;
    seen.set(name, before + 1);
    return before === 0 ? name : nameOf(name, `#${before}`);
  });
};

export const nameByUidl = (listed: readonly Pop3Listing[]): readonly string[] =>
  tellApart(listed.map(({ uidl }) => nameOf(uidl ?? '')));

/** Fields that servers change or add when a message is read. */
const changingFields = /^(?:status|x-status|x-uidl|x-mozilla-[a-z0-9-]+):.*\r?\n(?:[ \t].*\r?\n)*/gim;

export const nameByHeader = (header: Buffer): string =>
  nameOf('header', Buffer.from(header.toString('latin1').replace(changingFields, ''), 'latin1'));

/** Names of messages in the order of the listing; one whose header did not come is called by its place in it. */
export const nameByHeaders = (
  listed: readonly Pop3Listing[],
  headers: ReadonlyMap<number, string>,
): readonly string[] =>
  tellApart(listed.map(({ number, sizeBytes }) => headers.get(number) ?? nameOf('unread', `${number} ${sizeBytes}`)));

/** The sum of a listing: equal again when nothing came and nothing left. */
export const sumOf = (naming: Naming, parts: readonly string[]): string => `${naming}:${nameOf(parts.join('\n'))}`;
