import * as z from 'zod';
import { isTokenOf } from '../organization/access-token.ts';
import type { EntityKind } from '../platform/entity-store.ts';
import { entityShape } from '../platform/values.ts';

/** What a session may do: a user what concerns itself, an administrator what a key of role admin may. */
export const sessionRoleSchema = z.enum(['user', 'admin']);
export type SessionRole = z.output<typeof sessionRoleSchema>;

export const longestSessionSeconds = 43_200;

/** Opens the console in a browser that has no token of the session, once and soon. */
const signInCodeSchema = z.object({
  hash: z.string(),
  expiresAt: z.string(),
  /** Fingerprint of the attempt that used it up: the page that lost the answer may ask for it again. */
  usedBy: z.string().nullable(),
});

/** That somebody is signed in, because a key or an identity provider vouched for it. */
export const sessionSchema = z.object({
  ...entityShape,
  userId: z.string(),
  role: sessionRoleSchema,
  /** The key that vouched: a session does not outlive it. Null: an identity provider did. */
  keyId: z.string().nullable(),
  /** Who signed in at the identity provider. */
  identity: z.object({ issuer: z.string(), subject: z.string() }).nullable().default(null),
  /** Of the token that whoever made the session was given. */
  hash: z.string(),
  signIn: signInCodeSchema.nullable().default(null),
  /** Of the token that the console was given for the code: the first one stays good beside it. */
  consoleHash: z.string().nullable().default(null),
  expiresAt: z.string(),
});
export type Session = z.output<typeof sessionSchema>;

export const sessionKind: EntityKind<Session> = {
  kind: 'session',
  prefix: 'ses',
  parse: (stored) => sessionSchema.parse(stored),
};

/** Whether this is one of the session's tokens. */
export const isSessionToken = (token: string, { hash, consoleHash }: Session): boolean =>
  isTokenOf(token, hash) || (consoleHash !== null && isTokenOf(token, consoleHash));

/** When the table may drop it: epoch seconds. */
export const sessionExpiry = ({ expiresAt }: Session): number => Math.ceil(Date.parse(expiresAt) / 1000);

export const sessionAnswerSchema = z
  .object({
    id: z.string(),
    userId: z.string(),
    role: sessionRoleSchema,
    expiresAt: z.string(),
    createdAt: z.string(),
    version: z.number().int(),
  })
  .meta({ id: 'Session' });

export const presentSession = (session: Session): z.output<typeof sessionAnswerSchema> => ({
  id: session.id,
  userId: session.userId,
  role: session.role,
  expiresAt: session.expiresAt,
  createdAt: session.createdAt,
  version: session.version,
});
