import type { ConnectionTarget, Credentials, Dialler } from '../connection.ts';
import type { FolderMarks } from '../folder-marks.ts';
import type { FolderRole, FolderStatus, MessageHead } from '../mailbox-session.ts';
import { RefusedFetchError } from '../refused-fetch.ts';
import { TransportError } from '../transport-error.ts';
import { withLogin } from '../with-login.ts';
import type { BulkFetchClient } from './bulk-fetch-client.ts';
import { type ConnectionOptions, ImapConnection } from './imap-connection.ts';
import { createFolderMarks } from './imap-folder-marks.ts';
import type { ImapSession } from './imap-session.ts';
import { refusedCommand } from './refused-command.ts';
import { SelectedFolder } from './selected-folder.ts';
import { toSequenceSet } from './sequence-set.ts';

const roles: Readonly<Record<string, FolderRole>> = {
  '\\Inbox': 'inbox',
  '\\Sent': 'sent',
  '\\Drafts': 'drafts',
  '\\Trash': 'trash',
  '\\Junk': 'junk',
  '\\Archive': 'archive',
  '\\All': 'all',
  '\\Flagged': 'flagged',
};

const pieceBytes = 1024 * 1024;

class FlowSession implements ImapSession {
  readonly #connection: ImapConnection;
  readonly #client: BulkFetchClient;
  readonly #folder: SelectedFolder;
  readonly marks: FolderMarks;

  constructor(connection: ImapConnection) {
    this.#connection = connection;
    this.#client = connection.client;
    this.#folder = new SelectedFolder(connection);
    this.marks = createFolderMarks(connection, (work) =>
      this.#folder.turn(() => {
        this.#folder.forget();
        return work();
      }),
    );
  }

  async status(folder: string): Promise<FolderStatus | undefined> {
    try {
      const asked = { messages: true, uidNext: true, uidValidity: true, highestModseq: true };
      const answer = await this.#folder.turn(() => this.#folder.within(this.#client.status(folder, asked)));
      if (answer === false || answer.uidValidity === undefined || answer.uidNext === undefined)
        throw refusedCommand(`the status of ${folder}`);
      return {
        uidValidity: String(answer.uidValidity),
        uidNext: answer.uidNext,
        messages: answer.messages ?? 0,
        modseq: answer.highestModseq === undefined ? undefined : String(answer.highestModseq),
      };
    } catch (error) {
      if (error instanceof TransportError && codeOf(error.cause) === 'NotFound') return undefined;
      throw error;
    }
  }

  async listFolders() {
    const folders = await this.#folder.turn(() => this.#folder.within(this.#client.list()));
    return folders
      .filter(({ flags }) => !flags.has('\\Noselect'))
      .map(({ path, specialUse }) => ({ id: path, path, role: roles[specialUse ?? ''] ?? null }));
  }

  async listUids(
    folder: string,
    afterUid: number,
    options: { readonly since?: Date; readonly upToUid?: number } = {},
  ): Promise<readonly number[]> {
    const uid = `${afterUid + 1}:${options.upToUid ?? '*'}`;
    // Where the server has WITHIN (RFC 5032), the library asks for YOUNGER, which refuses an instant still to come.
    const since = options.since === undefined ? {} : { since: new Date(Math.min(+options.since, Date.now() - 60_000)) };
    const found = await this.#folder.turn(async () => {
      await this.#folder.select(folder);
      return this.#folder.search({ uid, ...since }, folder);
    });
    // "n:*" names the last message even when n is past the end (RFC 3501 section 6.4.8).
    return found.filter((uid) => uid > afterUid).sort((one, other) => one - other);
  }

  async stillListed(folder: string, uids: readonly number[]): Promise<readonly number[]> {
    if (uids.length === 0) return [];
    return this.#folder.turn(async () => {
      await this.#folder.select(folder);
      // Gives the server occasion to tell of what has left the folder since it was opened.
      await this.#folder.within(this.#client.noop());
      this.#folder.requireOpen();
      return this.#folder.search({ uid: toSequenceSet(uids) }, folder);
    });
  }

  async fetchHeads(
    folder: string,
    uids: readonly number[],
    fields: readonly string[],
    take: (head: MessageHead) => void,
  ): Promise<void> {
    const query = {
      uid: true,
      internalDate: true,
      size: true,
      ...(fields.length === 0 ? {} : { headers: [...fields] }),
    };
    await this.#folder.fetch(folder, uids, query, ({ uid, receivedAt, sizeBytes, section }) => {
      if (section === undefined && fields.length > 0) return false;
      const header = section ?? Buffer.alloc(0);
      take({ uid, receivedAt: receivedAt ?? new Date(), sizeBytes: sizeBytes ?? 0, header });
      return true;
    });
  }

  async fetchMessages(
    folder: string,
    uids: readonly number[],
    take: (uid: number, content: Buffer) => void,
  ): Promise<void> {
    await this.#folder.fetch(folder, uids, { uid: true, source: true }, ({ uid, section }) => {
      if (section !== undefined) take(uid, section);
      return section !== undefined;
    });
  }

  async fetchMessage(folder: string, uid: number, sizeBytes: number, limitBytes: number): Promise<Buffer | undefined> {
    let content = Buffer.allocUnsafe(Math.min(limitBytes, sizeBytes + 1024));
    let length = 0;
    const pieces = this.#pieces(folder, uid);
    for (let next = await pieces.next(); ; next = await pieces.next()) {
      if (next.done === true) return next.value === 'whole' ? content.subarray(0, length) : undefined;
      const piece = next.value.subarray(0, limitBytes - length);
      if (length + piece.length > content.length) {
        const larger = Buffer.allocUnsafe(Math.min(limitBytes, Math.max(length + piece.length, content.length * 2)));
        content.copy(larger, 0, 0, length);
        content = larger;
      }
      piece.copy(content, length);
      length += piece.length;
      if (length === limitBytes) return content;
    }
  }

  async *streamMessage(folder: string, uid: number): AsyncGenerator<Buffer> {
    try {
      yield* this.#pieces(folder, uid);
    } catch (error) {
      if (!(error instanceof RefusedFetchError)) throw error;
    }
  }

  async *#pieces(folder: string, uid: number): AsyncGenerator<Buffer, 'whole' | 'cut'> {
    for (let start = 0; ; start += pieceBytes) {
      const query = { uid: true, source: { start, maxLength: pieceBytes } };
      const answer = await this.#folder.turn(async () => {
        await this.#folder.select(folder);
        const one = await this.#folder.fetchOne(this.#client.fetchOne(`${uid}`, query, { uid: true }));
        if (one === false || one === undefined) this.#folder.requireOpen();
        return one;
      });
      if (answer === false || answer === undefined || answer.source === undefined) return 'cut';
      // A server that does not cut sends the whole message each time.
      yield answer.source.subarray(0, start === 0 ? undefined : pieceBytes);
      if (answer.source.length !== pieceBytes) return 'whole';
    }
  }

  async findByMessageId(folder: string, messageId: string): Promise<number | undefined> {
    return this.#folder.turn(async () => {
      await this.#folder.select(folder);
      return (await this.#folder.search({ header: { 'message-id': messageId } }, folder)).at(-1);
    });
  }

  async append(folder: string, content: Buffer, flags: readonly string[]) {
    const answer = await this.#folder.turn(async () => {
      await this.#folder.unselect();
      return this.#connection.within('appending', this.#client.append(folder, content, [...flags]));
    });
    if (!answer) throw refusedCommand(`to file a message in ${folder}`);
    return {
      uid: answer.uid,
      uidValidity: answer.uidValidity === undefined ? undefined : String(answer.uidValidity),
    };
  }

  async deleteMessages(folder: string, uidValidity: string, uids: readonly number[]): Promise<void> {
    if (uids.length === 0) return;
    const deleted = await this.#folder.turn(async () => {
      this.#folder.forget();
      const opened = await this.#folder.within(this.#client.mailboxOpen(folder, { readOnly: false }));
      if (String(opened.uidValidity) !== uidValidity) return true;
      const range = toSequenceSet(uids);
      // Without UIDPLUS the library would remove whatever others have marked as deleted, too.
      return this.#folder.within(
        this.#client.capabilities.has('UIDPLUS')
          ? this.#client.messageDelete(range, { uid: true })
          : this.#client.messageFlagsAdd(range, ['\\Deleted'], { uid: true }),
      );
    });
    if (!deleted) throw refusedCommand(`to delete messages in ${folder}`);
  }

  async createFolder(path: string): Promise<void> {
    try {
      await this.#folder.turn(() => this.#folder.within(this.#client.mailboxCreate(path)));
    } catch (error) {
      // Many servers refuse to create what is there without the code that says so (RFC 5530 section 3: ALREADYEXISTS).
      if (!this.#client.usable || (await this.status(path)) === undefined) throw error;
    }
  }

  close(): Promise<void> {
    return this.#connection.close();
  }
}

const codeOf = (error: unknown): unknown =>
  typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;

/**
 * Logs in. Whoever opens a session closes it, on every path.
 *
 * @throws TransportError: hostNotAllowed, connectFailed, timedOut, tlsUntrusted, protocolUnsupported,
 * authenticationFailed, accessDenied, connectionLimit, throttled, serverError. No socket is left open then.
 */
export const openImapSession = async (
  target: ConnectionTarget,
  credentials: Credentials,
  dialler: Dialler,
  options: ConnectionOptions,
): Promise<ImapSession> =>
  withLogin(credentials, async (login) => new FlowSession(await ImapConnection.open(target, login, dialler, options)));
