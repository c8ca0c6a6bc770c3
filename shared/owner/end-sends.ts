import type { Concluding } from '../email/conclude-send.ts';
import { failWaitingSends } from '../email/fail-waiting-sends.ts';
import { mailboxKind } from '../mailbox/mailbox.ts';
import { organizationKind } from '../organization/organization.ts';
import type { EntityStore } from '../platform/entity-store.ts';
import { createFault } from '../platform/fault.ts';
import { type Retirement, type RetirementWatch, retirementSchema, retirementSortKey } from './retirement-watch.ts';

/** What a run that is this old was handing over it hands over no more: no function lives longer. */
export const longestRunMilliseconds = 900_000;

/**
 * Ends the Sends of a mailbox whose owner is deleted: nobody can enable it again, so what waits would wait for ever.
 *
 * @param handedBefore what is being handed over since then is left to its run (epoch milliseconds)
 */
export const endSends = (
  store: EntityStore,
  concluding: Concluding,
  ownerType: Retirement['ownerType'],
  handedBefore: number,
): Promise<void> =>
  failWaitingSends(store, concluding, {
    fault: createFault('workloadNotEnabled', {
      cause: `The ${ownerType} whose mailbox it was to be sent through has been deleted`,
      fix: 'Send it anew from another user or queue',
    }),
    handedBefore,
  });

/**
 * The eyes of the watchdog on mailboxes whose owner was deleted: once no run of one can be alive any more, all that is
 * left in its outbox is ended. A run that died while it handed a message over has left it there, or one that put a Send
 * back to be tried again, or a deletion that broke off. True: the item is such a mailbox.
 */
export const createRetirementVisit =
  (deps: { readonly store: EntityStore; readonly retirementWatch: RetirementWatch; readonly now: () => Date }) =>
  async (item: Readonly<Record<string, unknown>>): Promise<boolean> => {
    if (item['sk'] !== retirementSortKey) return false;
    const { store, retirementWatch, now } = deps;
    const retirement = retirementSchema.parse(item);
    const { organizationId, mailboxId, ownerType, due } = retirement;
    if (due > now().getTime()) return true;
    const organization = await store.get(organizationKind, organizationId, organizationId);
    const mailbox = await store.get(mailboxKind, organizationId, mailboxId);
    // It is not retired where the deletion was refused after all.
    if (organization !== undefined && mailbox?.retired === true)
      await endSends(store, { organization, mailbox, now }, ownerType, now().getTime());
    await retirementWatch.end(retirement);
    return true;
  };
