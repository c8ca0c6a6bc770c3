import type { Mailbox } from '../mailbox/mailbox.ts';
import type { Organization } from '../organization/organization.ts';
import type { ContentStore } from '../platform/content-store.ts';
import type { EntityStore } from '../platform/entity-store.ts';
import { TrackingLookups } from './tracking-lookups.ts';
import type { TrackingContext } from './tracking-run.ts';

export interface TrackingDependencies {
  readonly store: EntityStore;
  readonly content: ContentStore;
  readonly now: () => Date;
}

/** What deciding about mail of a mailbox works with, outside the mailbox's own cycles. */
export const createTrackingContext = (
  { store, content, now }: TrackingDependencies,
  organization: Organization,
  mailbox: Mailbox,
  processFrom: Date | null,
): TrackingContext => {
  const lookups = new TrackingLookups(store, organization, mailbox.ownerId);
  return {
    organization,
    mailbox,
    mailboxOwner: () => lookups.ownerOf(mailbox),
    processFrom,
    store,
    content,
    lookups,
    author: { origin: 'mailbox', actor: { type: 'mailbox', id: mailbox.id } },
    now,
  };
};
