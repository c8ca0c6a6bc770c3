import { auditWrite } from '../audit/audit-write.ts';
import { createToken } from '../organization/access-token.ts';
import { requireOwner } from '../owner/find-owner.ts';
import { userKind } from '../owner/owner.ts';
import type { Author } from '../platform/change.ts';
import type { EntityStore } from '../platform/entity-store.ts';
import { FaultError } from '../platform/fault.ts';
import { WriteConditionError } from '../platform/records-table.ts';
import { type Session, type SessionRole, sessionExpiry, sessionKind } from './session.ts';

interface Dependencies {
  readonly store: EntityStore;
  readonly now: () => Date;
  readonly author: Author;
}

/**
 * Signs a user in on the word of a key; `token` is shown this once. A request that is carried out again under the same
 * identifier, because the first try ended before it could answer, replaces the token that nobody has seen.
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
): Promise<{ readonly session: Session; readonly token: string }> => {
  const userId = await requireOwner(store, organizationId, ['user'], input.userId, '#/userId');
  const user = await store.get(userKind, organizationId, userId);
  if (user?.status !== 'active') throw new FaultError('userInactive');
  const { token, hash } = createToken({ type: 'session', organizationId, sessionId: id });
  const at = now();
  const session: Session = {
    id,
    version: 1,
    createdAt: at.toISOString(),
    updatedAt: at.toISOString(),
    userId,
    role: input.role,
    keyId: input.keyId,
    hash,
    expiresAt: new Date(at.getTime() + input.expiresInSeconds * 1000).toISOString(),
  };
  const also = { expiresAt: sessionExpiry(session) };
  try {
    const act = { author, now: at, action: 'session.created' as const, subject: { type: 'session', id } };
    const noted = [auditWrite(organizationId, { ...act, before: null, after: session })];
    return { session: await store.create(sessionKind, organizationId, session, { ...also, also: noted }), token };
  } catch (error) {
    if (!(error instanceof WriteConditionError)) throw error;
    const replaced = await store.update(
      sessionKind,
      organizationId,
      id,
      (current) => ({ next: { ...current, hash }, expiresAt: sessionExpiry(current) }),
      { now },
    );
    return { session: replaced, token };
  }
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
  const also = [auditWrite(organizationId, { ...act, before: session, after: null })];
  await store.remove(sessionKind, organizationId, id, { also });
};
