import type { FolderMarks } from './folder-marks.ts';

/** What a server tells of a folder without its messages being read. */
export interface FolderStatus {
  /** While it stays the same a UID means the same message (RFC 3501 section 2.3.1.1). */
  readonly uidValidity: string;
  /** Every message that comes gets this UID or a higher one. */
  readonly uidNext: number;
  readonly messages: number;
  /** Where the server has CONDSTORE. */
  readonly modseq: string | undefined;
  /** Of a server that knows no UIDs: the sum of what it lists. The same again: nothing came and nothing left. */
  readonly listing?: string;
}

export type FolderRole = 'inbox' | 'sent' | 'drafts' | 'trash' | 'junk' | 'archive' | 'all' | 'flagged';

export interface MailFolder {
  /** Names the folder in later calls and in stored rules. */
  readonly id: string;
  readonly path: string;
  readonly role: FolderRole | null;
}

/** Where a server does not tell when it received a message: what the instant was taken from. */
export type ReceiptSource = 'receivedHeader' | 'dateHeader' | 'firstListed';

/** What is known of a message before its body is read. */
export interface MessageHead {
  readonly uid: number;
  /** When the server received it (INTERNALDATE). */
  readonly receivedAt: Date;
  /** Absent: the server told it. */
  readonly receiptSource?: ReceiptSource;
  /** Some servers are a few bytes off. */
  readonly sizeBytes: number;
  /** The header fields that were asked for, as bytes; perhaps further ones. */
  readonly header: Buffer;
  /** Of a server that knows no UIDs: what it calls the message, null where it has no names either. */
  readonly uidl?: string | null;
}

/**
 * One login on a server that keeps mail. Calls wait for each other's end, in the order in which they were made. Each ends
 * within the target's time-out (where it reads several messages: within it for each) or at the session's deadline,
 * whichever is first, and throws TransportError.
 */
export interface MailboxSession {
  /** Absent where the protocol knows neither keywords nor folders. */
  readonly marks?: FolderMarks | undefined;
  /** Undefined when there is no such folder. */
  status(folder: string): Promise<FolderStatus | undefined>;
  listFolders(): Promise<readonly MailFolder[]>;
  /**
   * UIDs above `afterUid` in rising order. With `since` older messages may be left out, by the day (UTC): who needs more
   * than that asks each message, as not every server can search.
   */
  listUids(
    folder: string,
    afterUid: number,
    options?: { readonly since?: Date; readonly upToUid?: number },
  ): Promise<readonly number[]>;
  /** Those of the messages that a search of the server's latest state still names. */
  stillListed(folder: string, uids: readonly number[]): Promise<readonly number[]>;
  /**
   * Reads the named header fields (perhaps none) of messages, which does not mark them as read. `take` gets the head of
   * each message that the server sends, once, in any order.
   */
  fetchHeads(
    folder: string,
    uids: readonly number[],
    fields: readonly string[],
    take: (head: MessageHead) => void,
  ): Promise<void>;
  /** Reads whole messages in one command: for small ones, since `take` gets each in one piece. As fetchHeads otherwise. */
  fetchMessages(folder: string, uids: readonly number[], take: (uid: number, content: Buffer) => void): Promise<void>;
  /**
   * Reads one message piece by piece into one buffer, so that a large one is never held twice. `sizeBytes`: what its head
   * said. Undefined when the server does not send it (to its end). What is beyond `limitBytes` is left out.
   */
  fetchMessage(folder: string, uid: number, sizeBytes: number, limitBytes: number): Promise<Buffer | undefined>;
  /** Passes one message on piece by piece, never holding more than a piece; as much as the server sends of it. */
  streamMessage(folder: string, uid: number): AsyncIterable<Buffer>;
  /** The newest message with this Message-ID, angle brackets included. */
  findByMessageId(folder: string, messageId: string): Promise<number | undefined>;
  /**
   * Deletes messages, and no others; at the latest when the session is closed. Nothing happens when the folder has another
   * UIDVALIDITY by now.
   */
  deleteMessages(folder: string, uidValidity: string, uids: readonly number[]): Promise<void>;
  /** Logs out, or cuts the connection when that takes long. May be called more than once; never throws. */
  close(): Promise<void>;
}
