import type { Email } from '../email/email.ts';
import type { Settings } from '../organization/settings.ts';
import { fail, pass, type StepOutcome } from './decision-steps.ts';
import type { MailboxMessage } from './mailbox-message.ts';
import { isOwnerEntry, nameEntry, type Participants } from './participants.ts';
import type { TrackingOwner } from './tracking-owner.ts';

/** The user or queue that sent the message, if it was one. */
export const findInternalSender = ({ sender }: Participants) => sender?.resolution.candidates.find(isOwnerEntry);

/**
 * Mail between users. What a user sent through the hub comes back as a copy to each colleague: one email for each
 * direction, or one in all, as the organization says, which may still let queues have theirs; a sender's own copy never
 * gives a second one.
 *
 * @param sentEmail the outgoing email with the same Message-ID
 */
export const checkInternal = (
  message: MailboxMessage,
  participants: Participants,
  mailboxOwner: TrackingOwner | undefined,
  sentEmail: Pick<Email, 'id'> | undefined,
  settings: Settings['internalMail'],
): StepOutcome => {
  if (message.direction === 'outgoing') return pass('internal', 'mail of the Sent folder is nobody’s copy');
  const sender = findInternalSender(participants);
  if (sender === undefined) return pass('internal', 'the sender is no user or queue');
  const own = participants.sender?.resolution.candidates.some(({ id }) => id === mailboxOwner?.id) ?? false;
  if (own && message.headers.isTestMessage) return fail('internal', 'internalCopy', 'a test message of the hub itself');
  if (sentEmail === undefined) return pass('internal', `${nameEntry(sender)} sent it, not through the hub`);
  const inputs = { sentEmailId: sentEmail.id, twoActivities: settings.twoActivities };
  if (own) return fail('internal', 'internalCopy', `the own copy of the sent email ${sentEmail.id}`, inputs);
  if (settings.twoActivities)
    return pass('internal', `${nameEntry(sender)} sent it; internal mail gives two emails`, inputs);
  if (mailboxOwner?.type === 'queue')
    return settings.toQueues
      ? pass('internal', 'internal mail to queues is tracked', inputs)
      : fail('internal', 'internalCopy', `a copy of the sent email ${sentEmail.id} in a queue`, inputs);
  if (sender.type === 'queue' && settings.fromQueues)
    return pass('internal', 'mail of queues to users is tracked', inputs);
  return fail('internal', 'internalCopy', `a copy of the sent email ${sentEmail.id}`, inputs);
};

/**
 * Whether a received message stands for its Sent copy, too: internal mail of which there is to be one email in all, and
 * which is not one that a queue may have for itself.
 */
export const standsForSentCopy = (
  message: MailboxMessage,
  participants: Participants,
  mailboxOwner: TrackingOwner | undefined,
  settings: Settings['internalMail'],
): boolean => {
  if (settings.twoActivities || message.direction === 'outgoing' || message.headers.messageId === null) return false;
  const sender = findInternalSender(participants);
  if (sender === undefined) return false;
  if (mailboxOwner?.type === 'queue') return !settings.toQueues;
  return sender.type !== 'queue' || !settings.fromQueues;
};
