import { FenceError } from '../cycle/cycle-store.ts';
import type { Mailbox } from '../mailbox/mailbox.ts';
import type { MailboxContext } from '../mailbox/mailbox-context.ts';
import { putSynchronizingClient } from '../mailbox/synchronizing-client.ts';
import { normalizeAddress } from '../platform/address.ts';
import { createFault } from '../platform/fault.ts';
import { claimOf } from './client-delivery.ts';
import { concludeSend } from './conclude-send.ts';
import { pendingRecipientsOf, type RecipientOutcome } from './delivery-outcome.ts';
import { emailKind } from './email.ts';
import { outboxRange, type QueuedSend, readQueuedSend } from './outbox.ts';

/** A run of the lane that had the mailbox before is over by then. */
const runMilliseconds = 180_000;

const abandoned = createFault('deliveryUnconfirmed', {
  cause: 'The mail program that had begun to send it lost the mailbox to another one before it said how that ended',
});

const isAbandoned = ({ entry }: QueuedSend, clientId: string, now: number): boolean =>
  entry.state === 'handing' &&
  entry.claim !== claimOf(clientId) &&
  (entry.claim?.startsWith(claimOf('')) === true || now - (entry.handedAt ?? 0) > runMilliseconds);

/** What another mail program had begun to send nobody can know the end of, so a person has to decide. */
const doubtAbandoned = async (context: MailboxContext, mailbox: Mailbox, clientId: string): Promise<void> => {
  const { store, organization, author, now } = context;
  let after: Readonly<Record<string, unknown>> | undefined;
  do {
    const page = await store.table.query({
      ...outboxRange(organization.id, mailbox.id),
      limit: 200,
      ...(after === undefined ? {} : { after }),
    });
    for (const queued of page.items.map(readQueuedSend)) {
      if (!isAbandoned(queued, clientId, now().getTime())) continue;
      const email = await store.get(emailKind, organization.id, queued.entry.emailId);
      const outcomes = (email === undefined ? [] : pendingRecipientsOf(email, queued.entry)).map(
        ({ address }): [string, RecipientOutcome] => [
          normalizeAddress(address),
          { result: 'unconfirmed', fault: abandoned },
        ],
      );
      try {
        await concludeSend(store, { organization, mailbox, now, author }, queued, new Map(outcomes));
      } catch (error) {
        // Its end became known after all.
        if (!(error instanceof FenceError)) throw error;
      }
    }
    after = page.after;
  } while (after !== undefined);
};

/**
 * A mail program comes forward as the one that delivers for a mailbox. Can be repeated, and makes good then what a
 * broken off request left undone.
 *
 * @throws FaultError notFound, versionMismatch, invalidState, otherClientSynchronizing
 */
export const beginClientDelivery = async (
  context: MailboxContext,
  mailboxId: string,
  input: { readonly clientId: string; readonly confirm: boolean },
  ifMatch: number | undefined,
): Promise<Mailbox> => {
  const mailbox = await putSynchronizingClient(context, mailboxId, input, ifMatch);
  if (mailbox.workloads.outgoing.method === 'client') await doubtAbandoned(context, mailbox, input.clientId);
  return mailbox;
};
