import { findBody } from '../email/mime/header-fields.ts';
import { readMessageHeaders } from '../email/mime/message-headers.ts';
import type { MailboxMessage } from '../tracking/mailbox-message.ts';
import type { DeadLetter } from './dead-letter.ts';

/** The message that was set aside, as it stood in its mailbox. */
export const messageOfLetter = (letter: DeadLetter, raw: Buffer): MailboxMessage => ({
  folder: letter.remote.folder,
  direction: letter.direction,
  uidValidity: letter.remote.uidValidity,
  uid: letter.remote.uid,
  sizeBytes: raw.length,
  receivedAt: new Date(letter.receivedAt),
  isArrival: false,
  headers: readMessageHeaders(raw.subarray(0, findBody(raw, 0, raw.length).headerEnd)),
});
