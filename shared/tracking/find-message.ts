import { decisionFields } from '../email/mime/message-headers.ts';
import type { FolderRole, MailboxSession, MailFolder } from '../transport/mailbox-session.ts';
import type { TransportError } from '../transport/transport-error.ts';
import { toMessage } from './fetch-window.ts';
import type { MailboxMessage } from './mailbox-message.ts';
import { isRefusedFolder } from './refused-folder.ts';

/** What is known of a message that is to be found again. */
export interface WantedMessage {
  /** Where it stood when it was last seen. */
  readonly place?: { readonly folder: string; readonly uidValidity: string; readonly uid: number } | undefined;
  readonly messageId: string | null;
  /** Whose message it must be where the identifier alone might name another's. */
  readonly fromAddress?: string | null | undefined;
}

const inbox = 'INBOX';
/** Where mail lies that hardly anybody asks for is looked at last. */
const lastRoles: ReadonlySet<FolderRole | null> = new Set(['trash', 'junk', 'drafts']);

const isWanted = ({ messageId, fromAddress }: WantedMessage, { headers }: MailboxMessage): boolean =>
  (messageId === null || headers.messageId === messageId) &&
  (fromAddress == null || headers.from?.address === fromAddress);

/** The message with this UID as it stands there now. */
const readHead = async (
  session: MailboxSession,
  folder: { readonly path: string; readonly direction: MailboxMessage['direction'] },
  uidValidity: string,
  uid: number,
): Promise<MailboxMessage | undefined> => {
  let message: MailboxMessage | undefined;
  await session.fetchHeads(folder.path, [uid], decisionFields, (head) => {
    message = toMessage(folder, { uidValidity, knownUpTo: uid }, head);
  });
  return message;
};

const inOrder = (folders: readonly MailFolder[], first: string | undefined): readonly MailFolder[] => {
  const rank = ({ path, role }: MailFolder): number =>
    path === first ? 0 : path === inbox ? 1 : lastRoles.has(role) ? 3 : 2;
  return [...folders].sort((one, other) => rank(one) - rank(other));
};

/** Mail of the Sent folder is outgoing, all other mail came in. */
export const directionOf = ({ role }: Pick<MailFolder, 'role'>): MailboxMessage['direction'] =>
  role === 'sent' ? 'outgoing' : 'incoming';

/** The message with this Message-ID in one folder. */
const findInFolder = async (
  session: MailboxSession,
  folder: MailFolder,
  wanted: WantedMessage & { readonly messageId: string },
): Promise<MailboxMessage | undefined> => {
  const status = await session.status(folder.path);
  if (status === undefined || status.messages === 0) return undefined;
  const uid = await session.findByMessageId(folder.path, wanted.messageId);
  if (uid === undefined) return undefined;
  const found = { path: folder.path, direction: directionOf(folder) };
  const message = await readHead(session, found, status.uidValidity, uid);
  return message !== undefined && isWanted(wanted, message) ? message : undefined;
};

/**
 * Finds a message in a mailbox: where it stood, else by its Message-ID in every folder, since people move mail. A folder
 * that the server refuses hides no message in another one.
 *
 * @throws TransportError, also when it is nowhere else and may stand in a folder that was refused
 */
export const findMessage = async (
  session: MailboxSession,
  wanted: WantedMessage,
): Promise<MailboxMessage | undefined> => {
  const folders = await session.listFolders();
  const { place, messageId } = wanted;
  const stood = folders.find(({ path }) => path === place?.folder);
  if (place !== undefined && stood !== undefined) {
    const status = await session.status(stood.path);
    if (status?.uidValidity === place.uidValidity) {
      const folder = { path: stood.path, direction: directionOf(stood) };
      const message = await readHead(session, folder, place.uidValidity, place.uid);
      if (message !== undefined && isWanted(wanted, message)) return message;
    }
  }
  if (messageId === null) return undefined;
  let refusal: TransportError | undefined;
  for (const folder of inOrder(folders, place?.folder))
    try {
      const message = await findInFolder(session, folder, { ...wanted, messageId });
      if (message !== undefined) return message;
    } catch (error) {
      if (!isRefusedFolder(error)) throw error;
      refusal ??= error;
    }
  if (refusal !== undefined) throw refusal;
  return undefined;
};
