import { auditWrite } from '../audit/audit-write.ts';
import { createToken } from '../organization/access-token.ts';
import { requireOwner } from '../owner/find-owner.ts';
import { userKind } from '../owner/owner.ts';
import type { Author } from '../platform/change.ts';
import type { EntityStore } from '../platform/entity-store.ts';
import { FaultError } from '../platform/fault.ts';
import { createIdentifier } from '../platform/identifier.ts';
import { WriteConditionError } from '../platform/records-table.ts';
import { type Session, type SessionRole, sessionExpiry, sessionKind } from './session.ts';
import { newSignInCode, type SignedIn } from './sign-in-code.ts';

interface Dependencies {
  readonly store: EntityStore;
  readonly now: () => Date;
  readonly author: Author;
}

/** What is noted of a session: never its tokens. */
const notedOf = ({ userId, role, keyId, identity, expiresAt }: Session) => ({
  userId,
  role,
  keyId,
  ...(identity === null ? {} : { identity }),
  expiresAt,
});

/**
 * Signs a user in on the word of a key; `token`, and `code` that opens the console, are shown this once. A request that
 * is carried out again under the same identifier, because the first try ended before it could answer, replaces both,
 * which nobody has seen.
 *
 * @throws FaultError invalidRequest (there is no such user), userInactive
 */
export const createSession = async (
  { store, now, author }: Dependencies,
  organizationId: string,
  id: string,
  input: {
    readonly userId: string;
    readonly role: SessionRole;
    readonly expiresInSeconds: number;
    readonly keyId: string;
  },
): Promise<{ readonly session: Session; readonly token: string; readonly code: string }> => {
  const userId = await requireOwner(store, organizationId, ['user'], input.userId, '#/userId');
  const user = await store.get(userKind, organizationId, userId);
  if (user?.status !== 'active') throw new FaultError('userInactive');
  const { token, hash } = createToken({ type: 'session', organizationId, sessionId: id });
  const at = now();
  const { code, signIn } = newSignInCode(organizationId, id, at);
  const session: Session = {
    id,
    version: 1,
    createdAt: at.toISOString(),
    updatedAt: at.toISOString(),
    userId,
    role: input.role,
    keyId: input.keyId,
    identity: null,
    hash,
    signIn,
    consoleHash: null,
    expiresAt: new Date(at.getTime() + input.expiresInSeconds * 1000).toISOString(),
  };
  const also = { expiresAt: sessionExpiry(session) };
  try {
    const act = { author, now: at, action: 'session.created' as const, subject: { type: 'session', id } };
    const noted = [auditWrite(organizationId, { ...act, before: null, after: notedOf(session) })];
    return { session: await store.create(sessionKind, organizationId, session, { ...also, also: noted }), token, code };
  } catch (error) {
    if (!(error instanceof WriteConditionError)) throw error;
    const replaced = await store.update(
      sessionKind,
      organizationId,
      id,
      (current) => ({ next: { ...current, hash, signIn }, expiresAt: sessionExpiry(current) }),
      { now },
    );
    return { session: replaced, token, code };
  }
};

/** As long as a session of a key that does not say otherwise: of what happens at the issuer the hub is not told. */
const identifiedSeconds = 3_600;

/** Signs a user in whom an identity provider has recognised; the token is shown this once. */
export const createIdentifiedSession = async (
  { store, now }: Omit<Dependencies, 'author'>,
  organizationId: string,
  input: { readonly userId: string; readonly identity: NonNullable<Session['identity']> },
): Promise<SignedIn> => {
  const at = now();
  const id = createIdentifier(sessionKind.prefix, at.getTime());
  const { token, hash } = createToken({ type: 'session', organizationId, sessionId: id });
  const session: Session = {
    id,
    version: 1,
    createdAt: at.toISOString(),
    updatedAt: at.toISOString(),
    userId: input.userId,
    role: 'user',
    keyId: null,
    identity: input.identity,
    hash,
    signIn: null,
    consoleHash: null,
    expiresAt: new Date(at.getTime() + identifiedSeconds * 1000).toISOString(),
  };
  const actor = { type: 'identityProvider' as const, id: input.identity.issuer, userId: input.userId };
  const noted = auditWrite(organizationId, {
    author: { origin: 'crm', actor },
    now: at,
    action: 'session.created',
    subject: { type: 'session', id },
    before: null,
    after: notedOf(session),
  });
  const also = { expiresAt: sessionExpiry(session), also: [noted] };
  return { session: await store.create(sessionKind, organizationId, session, also), token };
};

/** Signs out: the next request with the session fails. @throws FaultError notFound */
export const removeSession = async (
  { store, now, author }: Dependencies,
  organizationId: string,
  id: string,
): Promise<void> => {
  const session = await store.get(sessionKind, organizationId, id);
  if (session === undefined) throw new FaultError('notFound');
  const act = { author, now: now(), action: 'session.deleted' as const, subject: { type: 'session', id } };
  const also = [auditWrite(organizationId, { ...act, before: notedOf(session), after: null })];
  await store.remove(sessionKind, organizationId, id, { also });
};
