import { readMessageHeaders } from '../email/mime/message-headers.ts';
import type { FolderStatus, MailboxSession, MailFolder, MessageHead } from '../transport/mailbox-session.ts';
import type { Pop3Listing, Pop3Session } from '../transport/pop3/pop3-session.ts';
import { type ListingOptions, MaildropListing } from './maildrop-listing.ts';
import { findReceivedAt } from './received-at.ts';

const inbox: MailFolder = { id: 'INBOX', path: 'INBOX', role: 'inbox' };

/** A maildrop as a mailbox with an Inbox and nothing else, its messages numbered as IMAP would. */
class MaildropSession implements MailboxSession {
  readonly #session: Pop3Session;
  readonly #listing: MaildropListing;

  constructor(session: Pop3Session, options: ListingOptions) {
    this.#session = session;
    this.#listing = new MaildropListing(session, options);
  }

  async status(folder: string): Promise<FolderStatus | undefined> {
    return folder === inbox.path ? this.#listing.status() : undefined;
  }

  async listFolders(): Promise<readonly MailFolder[]> {
    return [inbox];
  }

  async listUids(
    _folder: string,
    afterUid: number,
    options: { readonly since?: Date; readonly upToUid?: number } = {},
  ): Promise<readonly number[]> {
    const { uids } = await this.#listing.numbered();
    const upToUid = options.upToUid ?? Number.POSITIVE_INFINITY;
    return [...uids.keys()].filter((uid) => uid > afterUid && uid <= upToUid).sort((one, other) => one - other);
  }

  /** A session sees the maildrop as it was when it began. */
  async stillListed(_folder: string, asked: readonly number[]): Promise<readonly number[]> {
    const { uids } = await this.#listing.numbered();
    return asked.filter((uid) => uids.has(uid));
  }

  async fetchHeads(
    _folder: string,
    asked: readonly number[],
    fields: readonly string[],
    take: (head: MessageHead) => void,
  ): Promise<void> {
    const { index } = await this.#listing.numbered();
    const toHead = (uid: number, { sizeBytes, uidl }: Pop3Listing, header: Buffer): MessageHead => ({
      uid,
      sizeBytes,
      header,
      uidl: uidl ?? null,
      ...findReceivedAt(header, index.firstListedAt(uid)),
    });
    if (fields.length > 0) {
      await this.#read(
        asked,
        (numbers, takeHeader) => this.#session.readHeaders(numbers, takeHeader),
        (uid, listed, header) => take(toHead(uid, listed, header)),
      );
      return;
    }
    for (const [uid, listed] of await this.#find(asked)) take(toHead(uid, listed, Buffer.alloc(0)));
  }

  async fetchMessages(
    _folder: string,
    asked: readonly number[],
    take: (uid: number, content: Buffer) => void,
  ): Promise<void> {
    await this.#read(
      asked,
      (numbers, takeContent) => this.#session.readMessages(numbers, takeContent),
      (uid, _listed, content) => take(uid, content),
    );
  }

  async fetchMessage(_folder: string, uid: number, sizeBytes: number, limitBytes: number): Promise<Buffer | undefined> {
    const listed = (await this.#find([uid])).get(uid);
    return listed === undefined ? undefined : this.#session.readMessage(listed.number, sizeBytes, limitBytes);
  }

  async *streamMessage(_folder: string, uid: number): AsyncGenerator<Buffer> {
    const listed = (await this.#find([uid])).get(uid);
    if (listed !== undefined) yield* this.#session.streamMessage(listed.number);
  }

  async findByMessageId(_folder: string, messageId: string): Promise<number | undefined> {
    const { uids } = await this.#listing.numbered();
    const found: number[] = [];
    await this.#read(
      [...uids.keys()],
      (numbers, takeHeader) => this.#session.readHeaders(numbers, takeHeader),
      (uid, _listed, header) => {
        // A few may hold it in another field; most are told apart without their headers being read.
        if (header.includes(messageId) && readMessageHeaders(header).messageId === messageId) found.push(uid);
      },
    );
    return found.length === 0 ? undefined : Math.max(...found);
  }

  async deleteMessages(_folder: string, uidValidity: string, asked: readonly number[]): Promise<void> {
    const { index } = await this.#listing.numbered();
    if (index.uidValidity !== uidValidity || asked.length === 0) return;
    await index.noteDeletions([...new Set([...index.deletions, ...asked])]);
    const listed = await this.#find(asked);
    await this.#session.markDeleted([...listed.values()].map(({ number }) => number));
  }

  close(): Promise<void> {
    return this.#session.close();
  }

  async #find(asked: readonly number[]): Promise<ReadonlyMap<number, Pop3Listing>> {
    const { uids } = await this.#listing.numbered();
    return new Map(
      asked.flatMap((uid) => {
        const listed = uids.get(uid);
        return listed === undefined ? [] : [[uid, listed] as const];
      }),
    );
  }

  async #read(
    asked: readonly number[],
    read: (numbers: readonly number[], take: (number: number, content: Buffer) => void) => Promise<void>,
    take: (uid: number, listed: Pop3Listing, content: Buffer) => void,
  ): Promise<void> {
    const listed = await this.#find(asked);
    const uids = new Map([...listed].map(([uid, { number }]) => [number, uid]));
    await read([...uids.keys()], (number, content) => {
      const uid = uids.get(number) ?? 0;
      const one = listed.get(uid);
      if (one !== undefined) take(uid, one, content);
    });
  }
}

/** Reads a maildrop as other mailboxes are read. Closing it closes the session. */
export const createMaildropSession = (session: Pop3Session, options: ListingOptions): MailboxSession =>
  new MaildropSession(session, options);
