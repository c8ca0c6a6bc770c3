import type { Organization } from '../organization/organization.ts';
import type { Author } from '../platform/change.ts';
import { FaultError } from '../platform/fault.ts';
import { transact } from '../platform/transact.ts';
import { alignCycles, type CycleDependencies } from './align-cycles.ts';
import { clearMootAlerts } from './clear-moot-alerts.ts';
import { type Mailbox, mailboxKind } from './mailbox.ts';
import { mailboxWrites } from './mailbox-writes.ts';
import type { Claim } from './takeover.ts';

/** What whoever changes a mailbox works with. */
export interface MailboxContext extends CycleDependencies {
  readonly organization: Organization;
  readonly author: Author;
  readonly now: () => Date;
}

/** @throws FaultError notFound, versionMismatch */
export const requireMailbox = async (
  { store, organization }: Pick<MailboxContext, 'store' | 'organization'>,
  mailboxId: string,
  ifMatch?: number | undefined,
): Promise<Mailbox> => {
  const mailbox = await store.get(mailboxKind, organization.id, mailboxId);
  if (mailbox === undefined) throw new FaultError('notFound');
  if (ifMatch !== undefined && ifMatch !== mailbox.version) throw new FaultError('versionMismatch');
  return mailbox;
};

/** @throws FaultError invalidState, when the owner was deleted */
export const refuseRetired = (mailbox: Mailbox): void => {
  if (mailbox.retired)
    throw new FaultError('invalidState', {
      detail: 'The owner of the mailbox was deleted, so it does nothing any more',
      fix: 'Use the mailbox of another user or queue',
    });
};

/**
 * Changes a mailbox by a function of its present form, and makes its cycles agree with the outcome. `change` may claim
 * something in the same transaction. It gives the mailbox back as it is when nothing changes.
 *
 * @throws FaultError notFound, versionMismatch, invalidState, and what `change` throws
 */
export const changeMailbox = async (
  context: MailboxContext,
  mailboxId: string,
  ifMatch: number | undefined,
  change: (mailbox: Mailbox) => Promise<{ readonly next: Mailbox; readonly claim?: Claim }>,
): Promise<Mailbox> => {
  const { store, organization, author, now } = context;
  const { before, mailbox, dispossessed } = await transact(store.table, async () => {
    const current = await requireMailbox(context, mailboxId, ifMatch);
    refuseRetired(current);
    const { next, claim } = await change(current);
    const outcome = mailboxWrites(store, organization.id, current, next, { author, now: now() });
    return {
      writes: [...outcome.writes, ...(claim?.writes ?? [])],
      result: { before: current, mailbox: outcome.mailbox, dispossessed: claim?.dispossessed },
    };
  });
  if (dispossessed !== undefined) await alignCycles(context, organization.id, dispossessed);
  await alignCycles(context, organization.id, mailboxId);
  await clearMootAlerts(store, organization.id, before, mailbox, now());
  return mailbox;
};
