import { fail, pass, type StepOutcome } from './decision-steps.ts';
import type { MailboxMessage } from './mailbox-message.ts';
import type { Participants, RecipientField } from './participants.ts';
import { nameOwner, type TrackingOwner } from './tracking-owner.ts';

/** A user or queue that the message reached, and through which list. */
export interface RecipientOwner {
  readonly owner: TrackingOwner;
  readonly field: RecipientField;
}

export interface RecipientOwners {
  readonly owners: readonly RecipientOwner[];
  readonly outcome: StepOutcome;
}

/**
 * The users and queues among the recipients. A list, a Bcc or an alias names nobody in the header: there the addresses
 * that servers say they delivered to count, and the mailbox that received the message is itself proof of a recipient.
 *
 * @param known active users and queues by id, those of the participants included
 */
export const findRecipientOwners = (
  message: MailboxMessage,
  participants: Participants,
  mailboxOwner: TrackingOwner | undefined,
  known: ReadonlyMap<string, TrackingOwner>,
): RecipientOwners => {
  const owners: RecipientOwner[] = [];
  const details: string[] = [];
  const add = (owner: TrackingOwner, field: RecipientField, detail: string): void => {
    if (!owner.active || owners.some((one) => one.owner.id === owner.id)) return;
    owners.push({ owner, field });
    details.push(detail);
  };
  if (message.direction === 'incoming')
    for (const { field, address, entries } of participants.recipients)
      for (const { id } of entries) {
        const owner = known.get(id);
        if (owner !== undefined) add(owner, field, `${address.address} is ${nameOwner(owner)}`);
      }
  if (message.direction === 'incoming')
    for (const { address, entries } of participants.deliveredTo)
      for (const { id } of entries) {
        const owner = known.get(id);
        if (owner !== undefined && id !== mailboxOwner?.id)
          add(owner, 'bcc', `it was delivered to ${address.address}, which is ${nameOwner(owner)}`);
      }
  if (mailboxOwner !== undefined) {
    const via = message.headers.deliveredTo[0];
    const where =
      message.direction === 'outgoing'
        ? `it stands in the Sent folder of ${nameOwner(mailboxOwner)}`
        : `it arrived in the mailbox of ${nameOwner(mailboxOwner)}${via === undefined ? '' : `, delivered to ${via}`}`;
    add(mailboxOwner, 'bcc', where);
  }
  return {
    owners,
    outcome:
      owners.length === 0
        ? fail('recipients', 'noRecipientMatch', 'no recipient is an active user or queue')
        : pass('recipients', details.join('; ')),
  };
};
