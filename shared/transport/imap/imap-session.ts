import type { MailboxSession } from '../mailbox-session.ts';

/** One login on an IMAP server, which also takes messages. */
export interface ImapSession extends MailboxSession {
  /** Files a message; the identifier only where the server tells it (UIDPLUS). */
  append(
    folder: string,
    content: Buffer,
    flags: readonly string[],
  ): Promise<{ readonly uid: number | undefined; readonly uidValidity: string | undefined }>;
  /** Nothing happens when the folder exists. */
  createFolder(path: string): Promise<void>;
}
