import type { Mailbox } from '../mailbox/mailbox.ts';
import type { Organization } from '../organization/organization.ts';
import type { Author } from '../platform/change.ts';
import type { ContentStore } from '../platform/content-store.ts';
import type { EntityStore } from '../platform/entity-store.ts';
import type { MailboxSession } from '../transport/mailbox-session.ts';
import type { TrackingLookups } from './tracking-lookups.ts';
import type { TrackingOwner } from './tracking-owner.ts';

/** What deciding about mail of one mailbox works with. */
export interface TrackingContext {
  readonly organization: Organization;
  readonly mailbox: Mailbox;
  /** Read once it is asked for: most cycles find nothing to ask it about. */
  readonly mailboxOwner: () => Promise<TrackingOwner | undefined>;
  /** Mail received earlier is skipped; null: there is no such start. */
  readonly processFrom: Date | null;
  readonly store: EntityStore;
  readonly content: ContentStore;
  readonly lookups: TrackingLookups;
  readonly author: Author;
  readonly now: () => Date;
}

/** One run over the mailbox itself. */
export interface TrackingRun extends TrackingContext {
  readonly session: MailboxSession;
}

/**
 * What became of one message. `gone`: it left the folder before it was read; `known`: what was decided before stands;
 * `withdrawn`: of its email people have rid the hub, so the copy in the mailbox may be the last.
 */
export type MessageResult = 'tracked' | 'skipped' | 'duplicate' | 'withdrawn' | 'setAside' | 'gone' | 'known';
