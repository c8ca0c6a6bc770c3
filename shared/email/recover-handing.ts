import { normalizeAddress } from '../platform/address.ts';
import type { EntityStore } from '../platform/entity-store.ts';
import { createFault } from '../platform/fault.ts';
import { type Concluding, concludeSend } from './conclude-send.ts';
import { pendingRecipientsOf, type RecipientOutcome } from './delivery-outcome.ts';
import { emailKind } from './email.ts';
import type { QueuedSend } from './outbox.ts';
import { maySendTo } from './sandbox.ts';

const interrupted = createFault('deliveryUnconfirmed', {
  cause: 'The run ended while it handed the message over, before it could note what the server answered',
});

const restored = createFault('deliveryUnconfirmed', {
  cause: 'It was waiting to be sent when the backup was made that has been restored, and may have been sent since',
});

/**
 * An entry that stands as `handing` when a run begins: one run of a mailbox goes at a time, so the run that wrote it
 * is dead, and the server may or may not have the message. Returns for how many recipients that is so.
 *
 * @throws FenceError
 */
export const recoverHanding = async (store: EntityStore, run: Concluding, queued: QueuedSend): Promise<number> => {
  const email = await store.get(emailKind, run.organization.id, queued.entry.emailId);
  const outcomes = new Map<string, RecipientOutcome>(
    (email === undefined ? [] : pendingRecipientsOf(email, queued.entry)).map(({ address }) => [
      normalizeAddress(address),
      maySendTo(run.organization, address)
        ? { result: 'unconfirmed', fault: queued.entry.restored === true ? restored : interrupted }
        : { result: 'rejected', fault: createFault('sandboxBlocked') },
    ]),
  );
  await concludeSend(store, run, queued, outcomes);
  return [...outcomes.values()].filter(({ result }) => result === 'unconfirmed').length;
};
