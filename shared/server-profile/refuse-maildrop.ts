import { beyondEmail } from '../mailbox/beyond-email.ts';
import { mailboxKind } from '../mailbox/mailbox.ts';
import { type EntityStore, fromItem } from '../platform/entity-store.ts';
import { FaultError } from '../platform/fault.ts';
import { recordKey } from '../platform/records-table.ts';
import { listProfileMailboxes } from './profile-mailboxes.ts';

const mostNamed = 20;
const pageSize = 100;

/**
 * A profile cannot become one for POP3 while mailboxes of it have what maildrops cannot have.
 *
 * @throws FaultError notSupported, naming the mailboxes
 */
export const refuseMaildrop = async (store: EntityStore, organizationId: string, profileId: string): Promise<void> => {
  const mailboxIds: string[] = [];
  for await (const ids of listProfileMailboxes(store.table, organizationId, profileId, pageSize)) {
    const items = await store.table.getMany(ids.map((id) => recordKey(organizationId, mailboxKind.kind, id)));
    for (const mailbox of items.map((item) => fromItem(mailboxKind, item)))
      if (beyondEmail(mailbox) !== undefined) mailboxIds.push(mailbox.id);
    if (mailboxIds.length > mostNamed) break;
  }
  if (mailboxIds.length === 0) return;
  const named = mailboxIds.slice(0, mostNamed);
  const detail = `POP3 mailboxes have email only; more is set up in ${named.join(', ')}`;
  throw new FaultError('notSupported', {
    detail: mailboxIds.length > mostNamed ? `${detail} and others` : detail,
    cause: 'A mailbox of the profile synchronizes more than email, or has folder rules',
    fix: 'Set the method of act of these mailboxes to none and delete their folder rules, or give them another profile',
    errors: [{ pointer: '#/incoming/protocol', code: 'notSupported', detail }],
    extensions: { mailboxIds: named },
  });
};
