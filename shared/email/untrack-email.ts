import { auditWrite } from '../audit/audit-write.ts';
import { createChange } from '../platform/create-change.ts';
import type { EntityStore } from '../platform/entity-store.ts';
import { FaultError } from '../platform/fault.ts';
import { type Email, emailKind } from './email.ts';
import type { ActionOptions } from './send-actions.ts';

/**
 * Cuts a tracked email off from its copy in the mailbox, which stays there. The record of the email stays, too, and so
 * does what marks its message as known: it is not tracked again by itself. A second call changes nothing.
 *
 * @throws FaultError notFound, versionMismatch, invalidState
 */
export const untrackEmail = (
  { store, now }: { readonly store: EntityStore; readonly now: () => Date },
  organizationId: string,
  emailId: string,
  { author, ifMatch }: ActionOptions,
): Promise<Email> =>
  store.update(
    emailKind,
    organizationId,
    emailId,
    (current) => {
      if (current.status !== 'received' && current.status !== 'sent')
        throw new FaultError('invalidState', { detail: `An email that is ${current.status} is not tracked` });
      if (current.untrackedAt !== undefined) return undefined;
      const next = { ...current, untrackedAt: now().toISOString(), receivedByMailboxIds: [] };
      const act = { author, now: now(), action: 'email.untracked' as const, subject: { type: 'email', id: emailId } };
      return {
        next,
        also: [auditWrite(organizationId, { ...act, before: current, after: next })],
        changes: [createChange('email.untracked', author, now())],
      };
    },
    { now, ifMatch },
  );
