import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

/**
 * Bearer tokens `<prefix>_<id>_<256 bits>`. The id part says where the token's item is stored, so that one read finds it:
 * for an API key or a session the organization's and its own identifier without their prefixes, for an operator key its
 * own. Only the SHA-256 of a token is stored: 256 random bits need no slow hash.
 */
const apiKeyPrefix = 'msk';
const sessionPrefix = 'mss';
const operatorKeyPrefix = 'mso';
/** Opens the console of a session, once. */
const signInCodePrefix = 'msi';

const body = '[0-9A-HJKMNP-TV-Z]{26}';
const secret = '[0-9A-Za-z_-]{43}';
const apiKeyPattern = new RegExp(`^${apiKeyPrefix}_(${body})(${body})_${secret}$`);
const sessionPattern = new RegExp(`^${sessionPrefix}_(${body})(${body})_${secret}$`);
const signInCodePattern = new RegExp(`^${signInCodePrefix}_(${body})(${body})_${secret}$`);
const operatorKeyPattern = new RegExp(`^${operatorKeyPrefix}_(${body})_${secret}$`);

export type TokenPlace =
  | { readonly type: 'key'; readonly organizationId: string; readonly keyId: string }
  | { readonly type: 'session'; readonly organizationId: string; readonly sessionId: string }
  | { readonly type: 'operator'; readonly keyId: string };

export interface SessionPlace {
  readonly organizationId: string;
  readonly sessionId: string;
}

const placeIn = (pattern: RegExp, text: string): SessionPlace | undefined => {
  const [, organization, session] = pattern.exec(text) ?? [];
  return organization === undefined || session === undefined
    ? undefined
    : { organizationId: `org_${organization}`, sessionId: `ses_${session}` };
};

/** Whose session a sign-in code opens. */
export const locateSignInCode = (code: string): SessionPlace | undefined => placeIn(signInCodePattern, code);

/** Where the item of a token stands; undefined for what no token of the hub looks like. */
export const locateToken = (token: string): TokenPlace | undefined => {
  const [, organization, key] = apiKeyPattern.exec(token) ?? [];
  if (organization !== undefined && key !== undefined)
    return { type: 'key', organizationId: `org_${organization}`, keyId: `key_${key}` };
  const session = placeIn(sessionPattern, token);
  if (session !== undefined) return { type: 'session', ...session };
  const [, operator] = operatorKeyPattern.exec(token) ?? [];
  return operator === undefined ? undefined : { type: 'operator', keyId: `key_${operator}` };
};

export interface NewToken {
  /** Shown to its owner once. */
  readonly token: string;
  /** The part that may be shown: all but the secret. */
  readonly prefix: string;
  readonly hash: string;
}

export const hashToken = (token: string): string => createHash('sha256').update(token).digest('hex');

const sessionPart = (prefix: string, { organizationId, sessionId }: SessionPlace): string =>
  `${prefix}_${organizationId.slice(4)}${sessionId.slice(4)}`;

const prefixOf = (place: TokenPlace): string => {
  if (place.type === 'operator') return `${operatorKeyPrefix}_${place.keyId.slice(4)}`;
  return place.type === 'key'
    ? `${apiKeyPrefix}_${place.organizationId.slice(4)}${place.keyId.slice(4)}`
    : sessionPart(sessionPrefix, place);
};

const completeToken = (prefix: string): NewToken => {
  const token = `${prefix}_${randomBytes(32).toString('base64url')}`;
  return { token, prefix, hash: hashToken(token) };
};

export const createToken = (place: TokenPlace): NewToken => completeToken(prefixOf(place));

export const createSignInCode = (place: SessionPlace): NewToken => completeToken(sessionPart(signInCodePrefix, place));

/** Compares in constant time. */
export const isTokenOf = (token: string, hash: string): boolean =>
  timingSafeEqual(Buffer.from(hashToken(token), 'hex'), Buffer.from(hash, 'hex'));
