import { mailboxKind } from '../mailbox/mailbox.ts';
import { retire } from '../mailbox/mailbox-edits.ts';
import { mailboxWrites } from '../mailbox/mailbox-writes.ts';
import { mailboxAddressKey } from '../mailbox/takeover.ts';
import { externalIdKey } from '../platform/entity-store.ts';
import { recordKey } from '../platform/records-table.ts';
import { resolveIdentifier } from '../platform/resolve-identifier.ts';
import { addressEntryWrites } from '../record/address-entry.ts';
import { endSends, longestRunMilliseconds } from './end-sends.ts';
import { carryOut, load, type OwnerContext, type OwnerInput, type Preconditions } from './manage-owners.ts';
import type { OwnerDefinition, OwnerEntity } from './owner-definitions.ts';
import { ownerAudit } from './owner-writes.ts';
import type { RetirementWatch } from './retirement-watch.ts';

/** Until the mailbox is retired runs may still begin; a request is over long before. */
const requestMilliseconds = 60_000;

const endSendsOf = async <Item extends OwnerEntity, Input extends OwnerInput>(
  { store, organization, author, now }: OwnerContext,
  definition: OwnerDefinition<Item, Input>,
  mailboxId: string,
): Promise<void> => {
  const mailbox = await store.get(mailboxKind, organization.id, mailboxId);
  if (mailbox === undefined) return;
  const handedBefore = now().getTime() - longestRunMilliseconds;
  await endSends(store, { organization, mailbox, now, author }, definition.type, handedBefore);
};

/**
 * Deletes an owner. Its mailbox is retired: its emails stay, its address is free again, and Sends that wait in it fail.
 * Those are ended first, so that a call that breaks off can be repeated, and once more for what came meanwhile. What a
 * run has in its hands it ends itself; the watchdog ends what is left once no run can be alive any more.
 *
 * @throws FaultError notFound, versionMismatch
 */
export const deleteOwner = async <Item extends OwnerEntity, Input extends OwnerInput>(
  context: OwnerContext & { readonly retirementWatch: RetirementWatch },
  definition: OwnerDefinition<Item, Input>,
  idText: string,
  { ifMatch }: Preconditions,
): Promise<void> => {
  const { store, organization, author, now } = context;
  const { kind, prefix } = definition.kind;
  const id = await resolveIdentifier(store, organization.id, kind, prefix, idText);
  const present = await load(context, definition, id, ifMatch);
  const retiring = definition.mailboxIdOf(present);
  if (retiring !== null) {
    await context.retirementWatch.begin({
      organizationId: organization.id,
      mailboxId: retiring,
      ownerType: definition.type,
      due: now().getTime() + requestMilliseconds + longestRunMilliseconds,
    });
    await endSendsOf(context, definition, retiring);
  }
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
  if (retiring !== null) await endSendsOf(context, definition, retiring);
};
