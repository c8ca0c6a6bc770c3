import { type Email, emailKind } from '../email/email.ts';
import { listingWrite } from '../email/email-listing.ts';
import type { Mailbox } from '../mailbox/mailbox.ts';
import type { Organization } from '../organization/organization.ts';
import type { Author } from '../platform/change.ts';
import { createChange } from '../platform/create-change.ts';
import type { EntityStore } from '../platform/entity-store.ts';
import { FaultError } from '../platform/fault.ts';
import { queueItemWrites } from './queue-items.ts';
import type { TrackingOwner } from './tracking-owner.ts';

export interface DuplicateDependencies {
  readonly store: EntityStore;
  readonly organization: Organization;
  readonly mailbox: Pick<Mailbox, 'id'>;
  readonly author: Author;
  readonly now: () => Date;
}

/**
 * Notes at a tracked email that a further mailbox has the message. Nothing is written when that is known, when the
 * email was deleted in the hub, or when it was cut off from the mailboxes: those are `withdrawn`.
 */
export const recordDuplicate = async (
  { store, organization, mailbox, author, now }: DuplicateDependencies,
  emailId: string,
  mailboxOwner: TrackingOwner | undefined,
): Promise<'known' | 'withdrawn'> => {
  const at = now();
  const addTo = async (email: Email) => {
    if (email.untrackedAt !== undefined || email.direction === 'outgoing') return undefined;
    const known = email.receivedByMailboxIds.includes(mailbox.id);
    const newQueue =
      organization.settings.queueItems.forAlreadyTracked &&
      mailboxOwner?.type === 'queue' &&
      !email.queueIds.includes(mailboxOwner.id)
        ? [mailboxOwner.id]
        : [];
    if (known && newQueue.length === 0) return undefined;
    // Before the email says so: a run that dies in between comes here again. On its own, as a transaction costs twice.
    if (!known && email.mailboxId !== mailbox.id)
      await store.table.write([listingWrite(organization.id, email.id, mailbox.id)]);
    const changedFields = [...(known ? [] : ['receivedByMailboxIds']), ...(newQueue.length === 0 ? [] : ['queueIds'])];
    return {
      next: {
        ...email,
        receivedByMailboxIds: known ? email.receivedByMailboxIds : [...email.receivedByMailboxIds, mailbox.id],
        queueIds: [...email.queueIds, ...newQueue],
      },
      changes: [createChange('email.updated', author, at, changedFields)],
      also: queueItemWrites(organization.id, email.id, newQueue, author, at),
    };
  };
  try {
    const { untrackedAt } = await store.update(emailKind, organization.id, emailId, addTo, { now });
    return untrackedAt === undefined ? 'known' : 'withdrawn';
  } catch (error) {
    if (error instanceof FaultError && error.fault.code === 'notFound') return 'withdrawn';
    throw error;
  }
};
