import type { CycleControl } from '../cycle/cycle-control.ts';
import { createFault } from '../platform/fault.ts';
import type { Email } from './email.ts';

/** The limits of its profile are no fault of the email, which has had none so far or keeps it in its history. */
const waitingFault = (reason: string | undefined) =>
  reason === 'quotaReached'
    ? {
        fault: createFault('quotaReached', {
          cause: 'The server profile has sent as many emails as its sendLimits allow',
          fix: 'Nothing: it is sent as soon as the limits allow. Raise sendLimits if the server takes more',
        }),
      }
    : {};

/**
 * The email with the time of its next attempt where that is not its own: a Send that is due waits for the next run of
 * its mailbox, for instance while the server cannot be reached.
 */
export const withNextCycle = async (
  cycles: Pick<CycleControl, 'read'>,
  organizationId: string,
  email: Email,
  now: Date,
): Promise<Email> => {
  const { status, mailboxId, delivery } = email;
  if (status !== 'pendingSend' || mailboxId === null || delivery === null) return email;
  if (delivery.nextAttemptAt !== null && Date.parse(delivery.nextAttemptAt) > now.getTime()) return email;
  const { outgoing } = await cycles.read(organizationId, mailboxId);
  if (outgoing?.enabled !== true || outgoing.due === null || outgoing.due <= now.getTime()) return email;
  const nextAttemptAt = new Date(outgoing.due).toISOString();
  return { ...email, delivery: { ...delivery, nextAttemptAt, ...waitingFault(outgoing.reason) } };
};
