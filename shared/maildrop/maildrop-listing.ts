import { type RecordsTable, WriteConditionError } from '../platform/records-table.ts';
import type { FolderStatus } from '../transport/mailbox-session.ts';
import type { Pop3Listing, Pop3Session } from '../transport/pop3/pop3-session.ts';
import { MaildropIndex, type MaildropPlace } from './maildrop-index.ts';
import { type Naming, nameByHeader, nameByHeaders, nameByUidl, sumOf } from './message-names.ts';

/** What a cursor holds of a maildrop. */
export interface KnownListing {
  readonly uidValidity: string;
  readonly uidNext: number;
  /** The sum of the listing. */
  readonly listing: string;
}

/** What stands in the maildrop, by the numbers that were given to it. */
export interface NumberedListing {
  readonly index: MaildropIndex;
  readonly uids: ReadonlyMap<number, Pop3Listing>;
}

/** So often a server may give all its messages other names before these count for nothing. */
const mostRenamings = 3;
const attempts = 3;

export interface ListingOptions {
  readonly table: RecordsTable;
  readonly place: MaildropPlace;
  /** What the cursor says of the listing when it was last read to its end. */
  readonly known: KnownListing | undefined;
  /** What becomes of messages that an earlier session was to delete and did not; undefined: that is left to another one. */
  readonly deletesProcessed: boolean | undefined;
  readonly now: () => Date;
}

/** The listing of one session, and the numbers of what it names. */
export class MaildropListing {
  readonly #session: Pop3Session;
  readonly #table: RecordsTable;
  readonly #place: MaildropPlace;
  readonly #known: KnownListing | undefined;
  readonly #deletesProcessed: boolean | undefined;
  readonly #now: () => Date;
  /** What was marked may be gone the next time or not, so that nothing can be said of it yet. */
  #hasDeleted = false;
  #listed: Promise<readonly Pop3Listing[]> | undefined;
  #numbered: Promise<NumberedListing> | undefined;
  /** Names by headers, of all messages, once they were needed. */
  #headers: Promise<ReadonlyMap<number, string>> | undefined;

  constructor(session: Pop3Session, { table, place, known, deletesProcessed, now }: ListingOptions) {
    this.#session = session;
    this.#table = table;
    this.#place = place;
    this.#known = known;
    this.#deletesProcessed = deletesProcessed;
    this.#now = now;
  }

  /** Reads nothing but the listing when that is what it was. */
  async status(): Promise<FolderStatus> {
    const listed = await this.#list();
    const known = this.#known;
    const naming: Naming = known?.listing.startsWith('content:') || !hasNames(listed) ? 'content' : 'uidl';
    if (known !== undefined && this.#numbered === undefined && known.listing === (await this.#sum(naming)))
      return { ...known, messages: listed.length, modseq: undefined };
    const { index } = await this.numbered();
    return {
      uidValidity: index.uidValidity,
      uidNext: index.uidNext,
      messages: listed.length,
      modseq: undefined,
      ...(this.#hasDeleted ? {} : { listing: await this.#sum(index.naming) }),
    };
  }

  /** Numbers what is new. */
  numbered(): Promise<NumberedListing> {
    this.#numbered ??= this.#number();
    return this.#numbered;
  }

  async #number(): Promise<NumberedListing> {
    for (let attempt = 1; ; attempt += 1)
      try {
        return await this.#numberOnce();
      } catch (error) {
        // Another session of the same mailbox numbered what is new at the same time.
        if (!(error instanceof WriteConditionError) || attempt === attempts) throw error;
      }
  }

  async #numberOnce(): Promise<NumberedListing> {
    const listed = await this.#list();
    const present = await MaildropIndex.load(this.#table, this.#place);
    let index = present ?? (await this.#begin(hasNames(listed) ? 'uidl' : 'content', 0));
    if (index.naming === 'uidl' && (!hasNames(listed) || (await this.#areRenamed(index)))) {
      // Where nothing was numbered yet nothing changes by it.
      const isEmpty = index.uidNext === 1;
      const renamings = index.renamings + (isEmpty ? 0 : 1);
      const naming = hasNames(listed) && renamings < mostRenamings ? 'uidl' : 'content';
      index = await this.#begin(naming, renamings, isEmpty ? index.uidValidity : undefined);
    }
    const names = await this.#names(index.naming);
    const fresh = names.filter((name) => index.uidOf(name) === undefined);
    if (fresh.length > 0) await index.append(fresh, this.#now(), (some) => this.#witnesses(index.naming, names, some));
    if (present !== undefined) await index.forgetGone(new Set(names));
    const uids = new Map<number, Pop3Listing>();
    for (const [position, one] of listed.entries()) {
      const uid = index.uidOf(names[position] ?? '');
      if (uid !== undefined) uids.set(uid, one);
    }
    await this.#deleteLeft(index, uids);
    return { index, uids };
  }

  /** What is stored and a session that broke off did not remove; it stays when nothing is to be removed any more. */
  async #deleteLeft(index: MaildropIndex, uids: Map<number, Pop3Listing>): Promise<void> {
    if (this.#deletesProcessed === undefined) return;
    const left = this.#deletesProcessed ? index.deletions.filter((uid) => uids.has(uid)) : [];
    await index.noteDeletions(left);
    this.#hasDeleted = left.length > 0;
    await this.#session.markDeleted(left.map((uid) => uids.get(uid)?.number ?? 0));
    for (const uid of left) uids.delete(uid);
  }

  /** Not one name is known, yet a message that is stands there: it is the names that are others. */
  async #areRenamed(index: MaildropIndex): Promise<boolean> {
    const { witnesses } = index;
    if (witnesses.size === 0) return false;
    const names = await this.#names('uidl');
    if (names.length === 0 || names.some((name) => index.uidOf(name) !== undefined)) return false;
    const headers = await this.#readHeaders();
    return [...headers.values()].some((name) => witnesses.has(name));
  }

  #begin(naming: Naming, renamings: number, uidValidity = String(this.#now().getTime())): Promise<MaildropIndex> {
    return MaildropIndex.begin(this.#table, this.#place, { uidValidity, naming, renamings });
  }

  #list(): Promise<readonly Pop3Listing[]> {
    this.#listed ??= this.#session.list();
    return this.#listed;
  }

  async #names(naming: Naming): Promise<readonly string[]> {
    const listed = await this.#list();
    return naming === 'uidl' ? nameByUidl(listed) : nameByHeaders(listed, await this.#readHeaders());
  }

  /** Without names the sizes must do, and the headers at both ends, where what comes is put. */
  async #sum(naming: Naming): Promise<string> {
    const listed = await this.#list();
    if (naming === 'uidl') return sumOf(naming, nameByUidl(listed));
    const ends = [listed[0], listed.at(-1)].flatMap((one) => (one === undefined ? [] : [one.number]));
    const headers = await (this.#headers ?? this.#readHeadersOf([...new Set(ends)]));
    return sumOf(naming, [
      ...listed.map(({ number, sizeBytes }) => `${number} ${sizeBytes}`),
      ...ends.map((number) => headers.get(number) ?? ''),
    ]);
  }

  async #witnesses(
    naming: Naming,
    names: readonly string[],
    some: readonly string[],
  ): Promise<ReadonlyMap<string, string>> {
    if (naming === 'content') return new Map();
    const listed = await this.#list();
    const wanted = new Set(some);
    const numbers = new Map(
      listed.flatMap(({ number }, position) => {
        const name = names[position] ?? '';
        return wanted.has(name) ? [[name, number] as const] : [];
      }),
    );
    const headers = await (this.#headers ?? this.#readHeadersOf([...numbers.values()]));
    return new Map(
      [...numbers].flatMap(([name, number]) => {
        const header = headers.get(number);
        return header === undefined ? [] : [[name, header] as const];
      }),
    );
  }

  #readHeaders(): Promise<ReadonlyMap<number, string>> {
    this.#headers ??= this.#list().then((listed) => this.#readHeadersOf(listed.map(({ number }) => number)));
    return this.#headers;
  }

  async #readHeadersOf(numbers: readonly number[]): Promise<ReadonlyMap<number, string>> {
    const names = new Map<number, string>();
    await this.#session.readHeaders(numbers, (number, header) => names.set(number, nameByHeader(header)));
    return names;
  }
}

const hasNames = (listed: readonly Pop3Listing[]): boolean => listed.every(({ uidl }) => uidl !== undefined);
