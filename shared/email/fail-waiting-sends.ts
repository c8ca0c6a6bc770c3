import { FenceError } from '../cycle/cycle-store.ts';
import { normalizeAddress } from '../platform/address.ts';
import type { EntityStore } from '../platform/entity-store.ts';
import type { Fault } from '../platform/fault.ts';
import { forEachParallel } from '../platform/for-each-parallel.ts';
import { type Concluding, concludeSend } from './conclude-send.ts';
import { concludeCopy } from './conclude-sent-copy.ts';
import { pendingRecipientsOf, type RecipientOutcome } from './delivery-outcome.ts';
import { emailKind } from './email.ts';
import { outboxRange, type QueuedSend, readQueuedSend } from './outbox.ts';
import { recoverHanding } from './recover-handing.ts';

const pageSize = 200;
const atOnce = 10;

const fail = async (store: EntityStore, concluding: Concluding, queued: QueuedSend, fault: Fault): Promise<void> => {
  const email = await store.get(emailKind, concluding.organization.id, queued.entry.emailId);
  const outcomes = (email === undefined ? [] : pendingRecipientsOf(email, queued.entry)).map(
    ({ address }): [string, RecipientOutcome] => [normalizeAddress(address), { result: 'rejected', fault }],
  );
  await concludeSend(store, concluding, queued, new Map(outcomes));
};

/** Whom nobody can ask to send it again would wait for ever. */
const withoutResending = (concluding: Concluding): Concluding => {
  const { organization } = concluding;
  const outgoing = { ...organization.settings.outgoing, onUnconfirmed: 'hold' as const };
  return { ...concluding, organization: { ...organization, settings: { ...organization.settings, outgoing } } };
};

/**
 * Ends the Sends of a mailbox which will never send again: what waits fails, what was being handed over is unconfirmed,
 * as no later run will look at it, and a copy that was still to be filed has failed. Can be repeated.
 *
 * @param handedBefore what is being handed over, or was sent, since then is left to its run (epoch milliseconds)
 * @throws WriteConditionError when others kept changing one of the emails
 */
export const failWaitingSends = async (
  store: EntityStore,
  concluding: Concluding,
  { fault, handedBefore }: { readonly fault: Fault; readonly handedBefore: number },
): Promise<void> => {
  const end = async (queued: QueuedSend): Promise<void> => {
    try {
      const { state } = queued.entry;
      if (state === 'waiting') await fail(store, concluding, queued, fault);
      else if (state === 'copying') await concludeCopy(store, concluding.organization, queued, 'failed');
      else await recoverHanding(store, withoutResending(concluding), queued);
    } catch (error) {
      // A run took it at this moment, and tells what becomes of it.
      if (!(error instanceof FenceError)) throw error;
    }
  };
  const isToEnd = ({ entry }: QueuedSend): boolean =>
    entry.state === 'waiting' || (entry.handedAt ?? 0) <= handedBefore;
  let after: Readonly<Record<string, unknown>> | undefined;
  do {
    const page = await store.table.query({
      ...outboxRange(concluding.organization.id, concluding.mailbox.id),
      limit: pageSize,
      ...(after === undefined ? {} : { after }),
    });
    await forEachParallel(page.items.map(readQueuedSend).filter(isToEnd), atOnce, end);
    after = page.after;
  } while (after !== undefined);
};
