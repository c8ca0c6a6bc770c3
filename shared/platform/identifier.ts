import { hash, randomBytes } from 'node:crypto';

/** Prefixes of the opaque identifiers `xxx_…` that the hub gives out. */
export const identifierPrefixes = [
  'org',
  'key',
  'prf',
  'usr',
  'que',
  'tea',
  'mbx',
  'rec',
  'eml',
  'att',
  'dec',
  'frl',
  'alr',
  'evt',
  'whk',
  'dlv',
  'ddl',
  'opn',
  'req',
  'ses',
  'aud',
] as const;
export type IdentifierPrefix = (typeof identifierPrefixes)[number];

export const identifierPattern = /^[a-z]{3}_[0-9A-Za-z]{16,40}$/;

// Crockford's alphabet in ASCII order, so that identifiers sort as their times do.
const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

const encodeTime = (milliseconds: number): string => {
  let rest = Math.max(0, Math.floor(milliseconds));
  let text = '';
  for (let position = 0; position < 10; position += 1) {
    text = `${alphabet[rest % 32]}${text}`;
    rest = Math.floor(rest / 32);
  }
  return text;
};

const randomBytesAtOnce = 4_096;
let random = Buffer.alloc(0);

/** Sixteen bytes that nobody can foretell; many are made at once, since each call of the system costs as much as all. */
const takeRandom = (): Uint8Array => {
  if (random.length < 16) random = randomBytes(randomBytesAtOnce);
  const taken = random.subarray(0, 16);
  random = random.subarray(16);
  return taken;
};

const encodeBytes = (bytes: Uint8Array): string => {
  let text = '';
  for (const byte of bytes.subarray(0, 16)) text += alphabet[byte % 32];
  return text;
};

const decodeTime = (text: string): number =>
  [...text].reduce((milliseconds, character) => milliseconds * 32 + Math.max(0, alphabet.indexOf(character)), 0);

/** When an identifier was made, in milliseconds since the epoch. */
export const identifierTime = (identifier: string): number => decodeTime(identifier.slice(4, 14));

/** A new identifier; those of one kind sort by creation time (milliseconds since the epoch). */
export const createIdentifier = (prefix: IdentifierPrefix, milliseconds: number): string =>
  `${prefix}_${encodeTime(milliseconds)}${encodeBytes(takeRandom())}`;

/**
 * The identifier that always belongs to the same thing: equal time and seed give an equal identifier, so that work
 * that is repeated after a crash writes the same item again instead of a second one.
 */
export const deriveIdentifier = (prefix: IdentifierPrefix, milliseconds: number, seed: string): string =>
  `${prefix}_${encodeTime(milliseconds)}${encodeBytes(hash('sha256', seed, 'buffer'))}`;

/** The smallest identifier part of a given time, to start a range over identifiers. */
export const identifierAt = (prefix: IdentifierPrefix, milliseconds: number): string =>
  `${prefix}_${encodeTime(milliseconds)}`;

/**
 * A new identifier that names what it is about: from an event's identifier whoever answers it finds its subject. Two
 * of one subject differ by their time.
 */
export const createIdentifierAbout = (prefix: IdentifierPrefix, milliseconds: number, subjectId: string): string =>
  `${prefix}_${encodeTime(milliseconds)}${subjectId.slice(4)}`;

/** What an identifier made by createIdentifierAbout is about; undefined for every other one. */
export const subjectOfIdentifier = (identifier: string, subjectPrefix: IdentifierPrefix): string | undefined =>
  identifier.length === 4 + 10 + 26 ? `${subjectPrefix}_${identifier.slice(14)}` : undefined;

/** SHA-256 in hexadecimal; the form in which long or foreign text becomes part of a key. */
export const fingerprint = (...parts: readonly string[]): string => hash('sha256', parts.join('\u0000'), 'hex');
