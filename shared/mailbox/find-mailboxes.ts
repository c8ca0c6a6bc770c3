import { findOwner } from '../owner/find-owner.ts';
import { queueKind, userKind } from '../owner/owner.ts';
import type { EntityStore } from '../platform/entity-store.ts';
import { fitsCriteria, type MailboxCriteria } from './bulk-selection.ts';
import { type Mailbox, mailboxKind } from './mailbox.ts';
import type { Health } from './mailbox-schedule.ts';
import { readHealth, type ScheduleContext } from './read-schedule.ts';

export interface MailboxFilters extends MailboxCriteria {
  readonly approval?: Mailbox['approval']['status'] | undefined;
  readonly health?: Health | undefined;
}

/** Whether a mailbox fits all the filters of a list. Only the filter by health has to look at its cycles. */
export const createMailboxFilter =
  (
    context: Pick<ScheduleContext, 'cycles' | 'organization' | 'now'>,
    { approval, health, ...criteria }: MailboxFilters,
  ) =>
  async (mailbox: Mailbox): Promise<boolean> => {
    if (!fitsCriteria(mailbox, criteria)) return false;
    if (approval !== undefined && mailbox.approval.status !== approval) return false;
    return health === undefined || (await readHealth(context, mailbox)) === health;
  };

/** The mailbox of the user or queue that an id or `ext:` id names; undefined when there is no such owner. */
export const findOwnerMailbox = async (
  store: EntityStore,
  organizationId: string,
  ownerId: string,
): Promise<Mailbox | undefined> => {
  const found = await findOwner(store, organizationId, ['user', 'queue'], ownerId);
  if (found === undefined) return undefined;
  const owner =
    found.type === 'queue'
      ? await store.get(queueKind, organizationId, found.id)
      : await store.get(userKind, organizationId, found.id);
  return owner === undefined ? undefined : store.get(mailboxKind, organizationId, owner.mailboxId);
};
