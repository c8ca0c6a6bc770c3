import { readMailDate } from '../email/mime/mail-date.ts';
import type { ReceiptSource } from '../transport/mailbox-session.ts';

const dayMilliseconds = 86_400_000;

/** The topmost field of this name, unfolded. */
const firstField = (header: string, name: string): string | undefined =>
  new RegExp(`^${name}[ \\t]*:((?:.|\\r?\\n[ \\t])*)`, 'im').exec(header)?.[1];

/**
 * When a message was received, where the server itself does not tell: as the topmost Received field says, which is the
 * mark of the server that put it into the mailbox (RFC 5321 section 4.4); without one as its sender says; else when it was
 * first seen there. No clock is wrong by more than a day: what is later than that is no date.
 */
export const findReceivedAt = (
  header: Buffer,
  firstListedAt: Date,
): { readonly receivedAt: Date; readonly receiptSource: ReceiptSource } => {
  const text = header.toString('latin1');
  const received = firstField(text, 'Received');
  const dateIn = (value: string | undefined): Date | null => {
    const date = readMailDate(value ?? '');
    return date === null || date.getTime() > firstListedAt.getTime() + dayMilliseconds ? null : date;
  };
  const stamped = dateIn(received?.slice(received.lastIndexOf(';') + 1));
  if (stamped !== null) return { receivedAt: stamped, receiptSource: 'receivedHeader' };
  const written = dateIn(firstField(text, 'Date'));
  if (written !== null) return { receivedAt: written, receiptSource: 'dateHeader' };
  return { receivedAt: firstListedAt, receiptSource: 'firstListed' };
};
