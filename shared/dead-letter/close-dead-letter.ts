import { clearAlert } from '../alert/raise-alert.ts';
import { auditWrite } from '../audit/audit-write.ts';
import type { Author } from '../platform/change.ts';
import type { EntityStore } from '../platform/entity-store.ts';
import { FaultError } from '../platform/fault.ts';
import { type DeadLetter, deadLetterExpiry, deadLetterKind } from './dead-letter.ts';

interface CloseContext {
  readonly store: EntityStore;
  readonly author: Author;
  readonly now: () => Date;
}

/**
 * Ends a dead letter and clears its alert: `resolved` once its message was decided, `discarded` when a person gave it
 * up. Can be repeated.
 *
 * @throws FaultError notFound, versionMismatch, invalidState when it ended otherwise before
 */
export const closeDeadLetter = async (
  { store, author, now }: CloseContext,
  organizationId: string,
  id: string,
  end: { readonly status: 'resolved' } | { readonly status: 'discarded'; readonly reason: string },
  ifMatch?: number | undefined,
): Promise<DeadLetter> => {
  const closed = await store.update(
    deadLetterKind,
    organizationId,
    id,
    (letter) => {
      if (letter.status === end.status) return undefined;
      if (letter.status !== 'open')
        throw new FaultError('invalidState', { detail: `The dead letter is ${letter.status}` });
      const discardReason = end.status === 'discarded' ? end.reason : null;
      const next = { ...letter, status: end.status, discardReason };
      const act = { author, now: now(), action: 'deadLetter.discarded' as const, subject: { type: 'deadLetter', id } };
      const also =
        end.status === 'discarded' ? [auditWrite(organizationId, { ...act, before: letter, after: next })] : [];
      return { next, also, expiresAt: deadLetterExpiry(letter) };
    },
    { now, ifMatch },
  );
  // After the end, so that a crash in between is made good by repeating it.
  await clearAlert(store, organizationId, closed.fault.code, id, { now: now(), author });
  return closed;
};
