import type { FolderCursor } from '../cycle/cycle.ts';
import { readMessageHeaders } from '../email/mime/message-headers.ts';
import type { MailboxSession, MessageHead } from '../transport/mailbox-session.ts';
import type { MailboxMessage } from './mailbox-message.ts';
import type { ManualTracking } from './manual-tracking.ts';
import { fetchListed } from './missing-messages.ts';

/** A folder that is looked at. */
export interface TrackedFolder {
  readonly path: string;
  readonly direction: MailboxMessage['direction'];
  /** Whatever stands in it is tracked. */
  readonly manual?: ManualTracking;
}

export interface FetchedWindow {
  /** In the order of their UIDs; those that have left the folder are not among them. */
  readonly messages: readonly MailboxMessage[];
  /** UIDs that the server lists and does not send. */
  readonly withheld: readonly number[];
  /** Of all headers as they came. */
  readonly headerBytes: number;
}

export const toMessage = (
  { path, direction, manual }: TrackedFolder,
  cursor: Pick<FolderCursor, 'uidValidity' | 'knownUpTo'>,
  head: MessageHead,
): MailboxMessage => ({
  folder: path,
  direction,
  uidValidity: cursor.uidValidity,
  uid: head.uid,
  sizeBytes: head.sizeBytes,
  receivedAt: head.receivedAt,
  receiptSource: head.receiptSource,
  uidl: head.uidl,
  isArrival: head.uid > cursor.knownUpTo,
  headers: readMessageHeaders(head.header),
  ...(manual === undefined ? {} : { manual }),
});

/**
 * Fetches what is known of messages before their bodies are read. Headers are read as they come and not kept.
 *
 * @param fields perhaps none
 */
export const fetchWindow = async (
  session: MailboxSession,
  folder: TrackedFolder,
  cursor: FolderCursor,
  uids: readonly number[],
  fields: readonly string[],
): Promise<FetchedWindow> => {
  const messages: MailboxMessage[] = [];
  let headerBytes = 0;
  const { withheld } = await fetchListed(session, folder.path, uids, async (asked) => {
    const missing = new Set(asked);
    await session.fetchHeads(folder.path, asked, fields, (head) => {
      missing.delete(head.uid);
      headerBytes += head.header.length;
      messages.push(toMessage(folder, cursor, head));
    });
    return [...missing];
  });
  return { messages: messages.sort((one, other) => one.uid - other.uid), withheld, headerBytes };
};
