import { userKind } from '../owner/owner.ts';
import type { EntityStore } from '../platform/entity-store.ts';
import { forEachParallel } from '../platform/for-each-parallel.ts';
import { partition, type RecordWrite, recordKey } from '../platform/records-table.ts';
import { type Email, emailKind, mailboxListOf } from './email.ts';

const prefixOf = (emailId: string): string => `${emailId}#`;

/**
 * Lists an email with a mailbox that is not its own: one that received it, too, or the one of its owner. The sort key
 * begins as the email's, so that the index has both at the same place. Whether the email still belongs there it says
 * itself, so a listing that is out of date shows nothing.
 */
export const listingWrite = (organizationId: string, emailId: string, mailboxId: string): RecordWrite => ({
  put: {
    ...recordKey(organizationId, 'emailListing', `${prefixOf(emailId)}${mailboxId}`),
    v: 1,
    kind: 'emailListing',
    organizationId,
    mailboxKey: mailboxListOf(organizationId, mailboxId),
    listed: recordKey(organizationId, emailKind.kind, emailId),
  },
});

/** Lists an email with the mailbox of the user who owns it, where that is another one than its own. */
export const ownerListingWrites = async (
  store: EntityStore,
  organizationId: string,
  { id, mailboxId, ownerId }: Pick<Email, 'id' | 'mailboxId' | 'ownerId'>,
): Promise<RecordWrite[]> => {
  if (ownerId?.startsWith(`${userKind.prefix}_`) !== true) return [];
  const owner = await store.get(userKind, organizationId, ownerId);
  return owner === undefined || owner.mailboxId === mailboxId
    ? []
    : [listingWrite(organizationId, id, owner.mailboxId)];
};

const atOnce = 10;
const pageSize = 200;

/** Of an email that is gone. What a crash leaves of them shows nothing. */
export const removeListings = async (
  { table }: EntityStore,
  organizationId: string,
  emailId: string,
): Promise<void> => {
  let after: Readonly<Record<string, unknown>> | undefined;
  do {
    const page = await table.query({
      pk: partition(organizationId, 'emailListing'),
      prefix: prefixOf(emailId),
      limit: pageSize,
      ...(after === undefined ? {} : { after }),
    });
    await forEachParallel(page.items, atOnce, ({ pk, sk }) => table.write([{ remove: { pk, sk } }]));
    after = page.after;
  } while (after !== undefined);
};
