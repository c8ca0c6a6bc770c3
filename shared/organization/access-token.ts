import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

/**
 * Bearer tokens `<prefix>_<id>_<256 bits>`. The id part says where the key is stored, so that one read finds it: for an
 * API key the organization's and the key's identifiers without their prefixes, for an operator key its own. Only the
 * SHA-256 of a token is stored: 256 random bits need no slow hash.
 */
const apiKeyPrefix = 'msk';
const operatorKeyPrefix = 'mso';

const body = '[0-9A-HJKMNP-TV-Z]{26}';
const secret = '[0-9A-Za-z_-]{43}';
const apiKeyPattern = new RegExp(`^${apiKeyPrefix}_(${body})(${body})_${secret}$`);
const operatorKeyPattern = new RegExp(`^${operatorKeyPrefix}_(${body})_${secret}$`);

export type TokenPlace =
  | { readonly type: 'key'; readonly organizationId: string; readonly keyId: string }
  | { readonly type: 'operator'; readonly keyId: string };

/** Where the key of a token stands; undefined for what no key of the hub looks like. */
export const locateToken = (token: string): TokenPlace | undefined => {
  const [, organization, key] = apiKeyPattern.exec(token) ?? [];
  if (organization !== undefined && key !== undefined)
    return { type: 'key', organizationId: `org_${organization}`, keyId: `key_${key}` };
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

export const createToken = (place: TokenPlace): NewToken => {
  const prefix =
    place.type === 'key'
      ? `${apiKeyPrefix}_${place.organizationId.slice(4)}${place.keyId.slice(4)}`
      : `${operatorKeyPrefix}_${place.keyId.slice(4)}`;
  const token = `${prefix}_${randomBytes(32).toString('base64url')}`;
  return { token, prefix, hash: hashToken(token) };
};

/** Compares in constant time. */
export const isTokenOf = (token: string, hash: string): boolean =>
  timingSafeEqual(Buffer.from(hashToken(token), 'hex'), Buffer.from(hash, 'hex'));
