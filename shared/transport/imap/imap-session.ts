/** What STATUS tells of a folder (RFC 3501 6.3.10, RFC 7162 3.1.2.1). */
export interface FolderStatus {
  readonly uidValidity: string;
  readonly uidNext: number;
  readonly messages: number;
  /** Where the server has CONDSTORE. */
  readonly modseq: string | undefined;
}

export type FolderRole = 'inbox' | 'sent' | 'drafts' | 'trash' | 'junk' | 'archive' | 'all' | 'flagged';

export interface ImapFolder {
  /** Names the folder in later calls and in stored rules. */
  readonly id: string;
  readonly path: string;
  readonly role: FolderRole | null;
}

/** What is known of a message before its body is read. */
export interface MessageHead {
  readonly uid: number;
  /** INTERNALDATE: when the server received it. */
  readonly receivedAt: Date;
  /** RFC822.SIZE; some servers are a few bytes off. */
  readonly sizeBytes: number;
  /** The header fields that were asked for, as bytes. */
  readonly header: Buffer;
}

/**
 * One login on an IMAP server. Calls wait for each other's end, in the order in which they were made. Each ends within the
 * target's time-out (where it reads several messages: within it for each) or at the session's deadline, whichever is
 * first, and throws TransportError.
 */
export interface ImapSession {
  /** Undefined when there is no such folder. Asks without selecting. */
  status(folder: string): Promise<FolderStatus | undefined>;
  listFolders(): Promise<readonly ImapFolder[]>;
  /** Identifiers above `afterUid` in rising order; with `since`, only of messages received on that day (UTC) or later. */
  listUids(
    folder: string,
    afterUid: number,
    options?: { readonly since?: Date; readonly upToUid?: number },
  ): Promise<readonly number[]>;
  /** Those of the messages that a search of the server's latest state still names. */
  stillListed(folder: string, uids: readonly number[]): Promise<readonly number[]>;
  /**
   * Reads the named header fields (perhaps none) of messages; \Seen is not touched. `take` gets the head of each message
   * that the server sends, once, in any order.
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
   * Reads one message piece by piece into one buffer, so that a large one is never held twice. `sizeBytes`: what
   * RFC822.SIZE said. Undefined when the server does not send it (to its end). Reading stops at `limitBytes`.
   */
  fetchMessage(folder: string, uid: number, sizeBytes: number, limitBytes: number): Promise<Buffer | undefined>;
  /** Passes one message on piece by piece, never holding more than a piece; as much as the server sends of it. */
  streamMessage(folder: string, uid: number): AsyncIterable<Buffer>;
  /** The newest message with this Message-ID, angle brackets included. */
  findByMessageId(folder: string, messageId: string): Promise<number | undefined>;
  /** Files a message; the identifier only where the server tells it (UIDPLUS). */
  append(
    folder: string,
    content: Buffer,
    flags: readonly string[],
  ): Promise<{ readonly uid: number | undefined; readonly uidValidity: string | undefined }>;
  /**
   * Deletes messages, and no others: where the server cannot remove single messages (UIDPLUS, RFC 4315) they are only
   * marked as deleted. Nothing happens when the folder has another UIDVALIDITY by now.
   */
  deleteMessages(folder: string, uidValidity: string, uids: readonly number[]): Promise<void>;
  /** Nothing happens when the folder exists. */
  createFolder(path: string): Promise<void>;
  /** Logs out, or cuts the connection when that takes long. May be called more than once; never throws. */
  close(): Promise<void>;
}
