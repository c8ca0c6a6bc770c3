import { queueKind, userKind } from '../owner/owner.ts';
import { type OwnerDefinition, type OwnerEntity, queueDefinition, userDefinition } from '../owner/owner-definitions.ts';
import { ownerWrites } from '../owner/owner-writes.ts';
import type { EntityStore } from '../platform/entity-store.ts';
import type { RecordWrite } from '../platform/records-table.ts';
import type { Mailbox } from './mailbox.ts';

/** The user or queue that a mailbox belongs to, as far as the mailbox is concerned with it. */
export interface MailboxOwner {
  readonly name: string;
  readonly isActive: boolean;
  /** What gives the owner the address that its mailbox now has; none when it has it already. */
  addressWrites(address: string | null, now: Date): readonly RecordWrite[];
}

const ownerOf = <Item extends OwnerEntity, Input extends { readonly emailAddress: string | null }>(
  definition: OwnerDefinition<Item, Input>,
  store: EntityStore,
  organizationId: string,
  owner: Item | undefined,
): MailboxOwner | undefined =>
  owner === undefined
    ? undefined
    : {
        name: definition.nameOf(owner),
        isActive: definition.isActive(owner),
        addressWrites: (emailAddress, now) =>
          ownerWrites(
            definition,
            store,
            organizationId,
            owner,
            definition.change(owner, { ...definition.fieldsOf(owner), emailAddress }),
            now,
          ).writes,
      };

/** Undefined when the owner was deleted. */
export const loadMailboxOwner = async (
  store: EntityStore,
  organizationId: string,
  mailbox: Pick<Mailbox, 'kind' | 'ownerId'>,
): Promise<MailboxOwner | undefined> => {
  const { kind, ownerId } = mailbox;
  if (ownerId === null) return undefined;
  return kind === 'queue'
    ? ownerOf(queueDefinition, store, organizationId, await store.get(queueKind, organizationId, ownerId))
    : ownerOf(userDefinition, store, organizationId, await store.get(userKind, organizationId, ownerId));
};
