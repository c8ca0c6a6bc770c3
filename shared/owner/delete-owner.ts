import { failWaitingSends } from '../email/fail-waiting-sends.ts';
import { mailboxKind } from '../mailbox/mailbox.ts';
import { retire } from '../mailbox/mailbox-edits.ts';
import { mailboxWrites } from '../mailbox/mailbox-writes.ts';
import { mailboxAddressKey } from '../mailbox/takeover.ts';
import { externalIdKey } from '../platform/entity-store.ts';
import { createFault } from '../platform/fault.ts';
import { recordKey } from '../platform/records-table.ts';
import { resolveIdentifier } from '../platform/resolve-identifier.ts';
import { addressEntryWrites } from '../record/address-entry.ts';
import { carryOut, load, type OwnerContext, type OwnerInput, type Preconditions } from './manage-owners.ts';
import type { OwnerDefinition, OwnerEntity } from './owner-definitions.ts';
import { ownerAudit } from './owner-writes.ts';

/** What a run that is this old was handing over it hands over no more: no function lives longer. */
const longestRunMilliseconds = 900_000;

/** Nobody can enable the mailbox of a deleted owner again, so what waits to be sent would wait for ever. */
const failSendsOf = async <Item extends OwnerEntity, Input extends OwnerInput>(
  { store, organization, author, now }: OwnerContext,
  definition: OwnerDefinition<Item, Input>,
  owner: Item,
  handedBefore: number,
): Promise<void> => {
  const mailboxId = definition.mailboxIdOf(owner);
  const mailbox = mailboxId === null ? undefined : await store.get(mailboxKind, organization.id, mailboxId);
  if (mailbox === undefined) return;
  const fault = createFault('workloadNotEnabled', {
    cause: `The ${definition.type} whose mailbox it was to be sent through has been deleted`,
    fix: 'Send it anew from another user or queue',
  });
  await failWaitingSends(store, { organization, mailbox, now, author }, { fault, handedBefore });
};

/**
 * Deletes an owner. Its mailbox is retired: its emails stay, its address is free again, and Sends that wait in it fail.
 * Those are ended first, so that a call that breaks off can be repeated, and once more for what came meanwhile and for
 * what a run has in its hands, whose end nobody would learn if it died.
 *
 * @throws FaultError notFound, versionMismatch
 */
export const deleteOwner = async <Item extends OwnerEntity, Input extends OwnerInput>(
  context: OwnerContext,
  definition: OwnerDefinition<Item, Input>,
  idText: string,
  { ifMatch }: Preconditions,
): Promise<void> => {
  const { store, organization, author, now } = context;
  const { kind, prefix } = definition.kind;
  const id = await resolveIdentifier(store, organization.id, kind, prefix, idText);
  const present = await load(context, definition, id, ifMatch);
  await failSendsOf(context, definition, present, now().getTime() - longestRunMilliseconds);
  await carryOut(context, async () => {
    const owner = await load(context, definition, id, ifMatch);
    const mailboxId = definition.mailboxIdOf(owner);
    const mailbox = mailboxId === null ? undefined : await store.get(mailboxKind, organization.id, mailboxId);
    return {
      writes: [
        {
          remove: recordKey(organization.id, kind, id),
          condition: { expression: 'entity.version = :version', values: { ':version': owner.version } },
        },
        ...(owner.externalId === null ? [] : [{ remove: externalIdKey(organization.id, kind, owner.externalId) }]),
        ...addressEntryWrites(organization.id, definition.holderOf(owner), undefined),
        ownerAudit(organization.id, definition.type, owner, undefined, { author, now: now() }),
        ...(mailbox === undefined
          ? []
          : mailboxWrites(store, organization.id, mailbox, retire(mailbox), { author, now: now() }).writes),
        ...(mailbox?.emailAddress == null
          ? []
          : [{ remove: mailboxAddressKey(organization.id, mailbox.emailAddress) }]),
      ],
      result: { owner, created: false, mailboxIds: mailbox === undefined ? [] : [mailbox.id] },
    };
  });
  await failSendsOf(context, definition, present, now().getTime());
};
