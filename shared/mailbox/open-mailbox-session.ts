import type { FolderCursor } from '../cycle/cycle.ts';
import { createMaildropSession } from '../maildrop/maildrop-session.ts';
import { fingerprint } from '../platform/identifier.ts';
import type { RecordsTable } from '../platform/records-table.ts';
import { connectionTarget } from '../server-profile/connection-target.ts';
import type { ServerProfile } from '../server-profile/server-profile.ts';
import type { Credentials, Dialler } from '../transport/connection.ts';
import { openImapSession } from '../transport/imap/open-imap-session.ts';
import type { MailboxSession } from '../transport/mailbox-session.ts';
import { openPop3Session } from '../transport/pop3/open-pop3-session.ts';

export interface SessionDependencies {
  readonly table: RecordsTable;
  readonly dialler: Dialler;
  readonly now: () => Date;
}

export interface SessionSubject {
  readonly organizationId: string;
  readonly mailboxId: string;
  readonly serverProfile: Pick<ServerProfile, 'incoming' | 'outgoing' | 'caCertificates' | 'timeoutSeconds'>;
  readonly credentials: Credentials;
  /** The cursor of the Inbox, where there is one: spares reading what is known of a maildrop that is as it was. */
  readonly cursor?: FolderCursor | undefined;
  /** Whether what is stored is to leave the mailbox; absent: it is none of the session's business. */
  readonly deletesProcessed?: boolean;
}

/** Another login or another server is another mailbox, whatever its UIDVALIDITY is. */
export const mailboxSource = ({
  serverProfile: { incoming },
  credentials,
}: Pick<SessionSubject, 'serverProfile' | 'credentials'>): string =>
  fingerprint(
    incoming.host.toLowerCase(),
    credentials.authentication === 'none' ? '' : credentials.username,
    ...(incoming.protocol === 'imap' ? [] : [incoming.protocol]),
  ).slice(0, 16);

const knownListing = ({ cursor }: SessionSubject, source: string) => {
  if (cursor?.listing === undefined || cursor.uidNext === undefined || cursor.source !== source) return undefined;
  return { uidValidity: cursor.uidValidity, uidNext: cursor.uidNext, listing: cursor.listing };
};

/**
 * Logs in to the server that keeps a mailbox's mail, whatever it speaks. Whoever opens a session closes it, on every path.
 *
 * @param deadline epoch milliseconds at which the session is cut whatever it does
 * @throws TransportError
 */
export const openMailboxSession = async (
  { table, dialler, now }: SessionDependencies,
  subject: SessionSubject,
  deadline: number,
): Promise<MailboxSession> => {
  const { organizationId, mailboxId, serverProfile, credentials, deletesProcessed } = subject;
  const target = connectionTarget(serverProfile, 'incoming');
  if (serverProfile.incoming.protocol === 'imap') return openImapSession(target, credentials, dialler, { deadline });
  const source = mailboxSource(subject);
  return createMaildropSession(await openPop3Session(target, credentials, dialler, { deadline }), {
    table,
    place: { organizationId, mailboxId, source },
    known: knownListing(subject, source),
    deletesProcessed,
    now,
  });
};
