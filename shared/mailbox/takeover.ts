import { alertWrites } from '../alert/raise-alert.ts';
import { normalizeAddress } from '../platform/address.ts';
import type { Author } from '../platform/change.ts';
import { createChange } from '../platform/create-change.ts';
import type { EntityStore } from '../platform/entity-store.ts';
import { createFault, FaultError } from '../platform/fault.ts';
import { type RecordKey, type RecordWrite, recordKey } from '../platform/records-table.ts';
import { type Mailbox, mailboxKind } from './mailbox.ts';
import { dispossess, isSameAddress } from './mailbox-edits.ts';
import { loadMailboxOwner } from './mailbox-owner.ts';
import { mailboxWrites } from './mailbox-writes.ts';

export interface TakeoverContext {
  readonly store: EntityStore;
  readonly organizationId: string;
  readonly author: Author;
  readonly now: Date;
}

/** What a claim adds to the transaction of the mailbox that makes it. */
export interface Claim {
  readonly writes: readonly RecordWrite[];
  /** The mailbox that loses address and credentials by it. */
  readonly dispossessed?: string;
}

export const mailboxAddressKey = (organizationId: string, address: string): RecordKey =>
  recordKey(organizationId, 'mailboxAddress', normalizeAddress(address));

/** The refusal that names who has the address or the login. */
export const alreadyMapped = async (
  { store, organizationId }: Pick<TakeoverContext, 'store' | 'organizationId'>,
  holder: Mailbox,
  what: string,
  pointer?: string,
): Promise<FaultError> => {
  const owner = await loadMailboxOwner(store, organizationId, holder);
  const detail = `${what} is mapped to ${holder.id}`;
  return new FaultError('mailboxAlreadyMapped', {
    detail,
    ...(pointer === undefined ? {} : { errors: [{ pointer, code: 'taken', detail }] }),
    extensions: { holder: { mailboxId: holder.id, ownerName: owner?.name ?? null } },
  });
};

/** Takes address and credentials from the mailbox and its owner, and tells the owner so. Its address pointer is left. */
export const dispossessWrites = async (context: TakeoverContext, holder: Mailbox): Promise<readonly RecordWrite[]> => {
  const { store, organizationId, author, now } = context;
  const owner = await loadMailboxOwner(store, organizationId, holder);
  const { writes } = mailboxWrites(store, organizationId, holder, dispossess(holder), {
    author,
    now,
    changes: [createChange('mailbox.takenOver', author, now)],
  });
  const fault = createFault('mailboxTakenOver', {
    detail: `Another mailbox took over ${holder.emailAddress ?? 'the login of this mailbox'}`,
  });
  const alert = await alertWrites(store, {
    organizationId,
    level: 'error',
    scope: 'mailbox',
    fault,
    subject: { type: 'mailbox', id: holder.id },
    mailboxId: holder.id,
    now,
    author,
  });
  return [...writes, ...(owner?.addressWrites(null, now) ?? []), ...alert];
};

/**
 * Gives a mailbox its address, which only one mailbox of an organization has. The writes belong into one transaction
 * with those of the mailbox itself.
 *
 * @throws FaultError mailboxAlreadyMapped, when another mailbox has it and `confirmTakeoverFrom` does not name that one
 */
export const claimAddress = async (
  context: TakeoverContext,
  mailboxId: string,
  previous: string | null,
  next: string | null,
  confirmTakeoverFrom: string | undefined,
): Promise<Claim> => {
  if (isSameAddress(previous, next)) return { writes: [] };
  const { store, organizationId } = context;
  const freed = previous === null ? [] : [{ remove: mailboxAddressKey(organizationId, previous) }];
  if (next === null) return { writes: freed };
  const key = mailboxAddressKey(organizationId, next);
  const pointer = await store.table.get(key);
  const put = { ...key, v: 1, kind: 'mailboxAddress', organizationId, mailboxId };
  const holderId = pointer === undefined ? undefined : String(pointer['mailboxId']);
  const holder = holderId === undefined ? undefined : await store.get(mailboxKind, organizationId, holderId);
  if (holderId === undefined || holder === undefined || holderId === mailboxId)
    return {
      writes: [
        ...freed,
        {
          put,
          condition:
            holderId === undefined
              ? { expression: 'attribute_not_exists(pk)' }
              : { expression: 'mailboxId = :holder', values: { ':holder': holderId } },
        },
      ],
    };
  if (confirmTakeoverFrom !== holderId) throw await alreadyMapped(context, holder, next, '#/emailAddress');
  return {
    writes: [
      ...freed,
      { put, condition: { expression: 'mailboxId = :holder', values: { ':holder': holderId } } },
      ...(await dispossessWrites(context, holder)),
    ],
    dispossessed: holderId,
  };
};
