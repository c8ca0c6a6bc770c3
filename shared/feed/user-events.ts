import type { FeedEvent } from './feed-event.ts';

/** A user and the mailbox of that user. */
export interface FeedReader {
  readonly userId: string;
  readonly mailboxId: string | null;
}

const namesOf = ({ subject, data }: Pick<FeedEvent, 'subject' | 'data'>): readonly unknown[] => {
  const received = data?.['receivedByMailboxIds'];
  const about = data?.['subject'];
  return [
    subject.id,
    data?.['ownerId'],
    data?.['mailboxId'],
    ...(Array.isArray(received) ? received : []),
    ...(typeof about === 'object' && about !== null && 'id' in about ? [about.id] : []),
  ];
};

/**
 * Whether an event is about this user: about a record or an email of the user's, or about the mailbox, the mail that
 * came there, its alerts and the operations on it.
 */
export const concernsUser = (event: Pick<FeedEvent, 'subject' | 'data'>, { userId, mailboxId }: FeedReader): boolean =>
  namesOf(event).some((name) => name === userId || (mailboxId !== null && name === mailboxId));
