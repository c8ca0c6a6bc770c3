import { FenceError } from '../cycle/cycle-store.ts';
import { normalizeAddress } from '../platform/address.ts';
import type { EntityStore } from '../platform/entity-store.ts';
import type { Fault } from '../platform/fault.ts';
import { forEachParallel } from '../platform/for-each-parallel.ts';
import { type Concluding, concludeSend } from './conclude-send.ts';
import { pendingRecipientsOf, type RecipientOutcome } from './delivery-outcome.ts';
import { emailKind } from './email.ts';
import { outboxRange, type QueuedSend, readQueuedSend } from './outbox.ts';

const pageSize = 200;
const atOnce = 10;

const fail = async (store: EntityStore, concluding: Concluding, queued: QueuedSend, fault: Fault): Promise<void> => {
  const email = await store.get(emailKind, concluding.organization.id, queued.entry.emailId);
  const outcomes = (email === undefined ? [] : pendingRecipientsOf(email, queued.entry)).map(
    ({ address }): [string, RecipientOutcome] => [normalizeAddress(address), { result: 'rejected', fault }],
  );
  try {
    await concludeSend(store, concluding, queued, new Map(outcomes));
  } catch (error) {
    // A run took it at this moment, and tells what becomes of it.
    if (!(error instanceof FenceError)) throw error;
  }
};

/**
 * Ends the Sends that wait in a mailbox which will never send again. What is being handed over is left to its run. Can be
 * repeated.
 *
 * @throws WriteConditionError when others kept changing one of the emails
 */
export const failWaitingSends = async (store: EntityStore, concluding: Concluding, fault: Fault): Promise<void> => {
  let after: Readonly<Record<string, unknown>> | undefined;
  do {
    const page = await store.table.query({
      ...outboxRange(concluding.organization.id, concluding.mailbox.id),
      limit: pageSize,
      ...(after === undefined ? {} : { after }),
    });
    const waiting = page.items.map(readQueuedSend).filter(({ entry }) => entry.state === 'waiting');
    await forEachParallel(waiting, atOnce, (queued) => fail(store, concluding, queued, fault));
    after = page.after;
  } while (after !== undefined);
};
