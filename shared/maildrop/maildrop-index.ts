import * as z from 'zod';
import {
  partition,
  type RecordKey,
  type RecordsTable,
  type RecordWrite,
  recordKey,
} from '../platform/records-table.ts';
import { type Naming, nameLength } from './message-names.ts';

const kind = 'maildrop';
/** So that a page of them is one write unit. */
const namesPerPage = 32;
const timeLength = 7;
const entryLength = nameLength + timeLength;
const uidDigits = 10;

export const maildropPageSchema = z.object({
  sk: z.string(),
  /** Name and second of the first listing of each message, one behind the other. */
  entries: z.string(),
  /** The header of the first of them, as a name: found again under another one, it shows that names do not last. */
  witness: z.string().optional(),
});
export const maildropHeadSchema = z.object({
  uidValidity: z.string(),
  naming: z.enum(['uidl', 'content']),
  /** How often all names were others at once. */
  renamings: z.int(),
  /** UIDs of messages that are stored and must leave the maildrop. */
  deletions: z.array(z.int()),
});
type Head = z.output<typeof maildropHeadSchema>;

/** Whose maildrop it is: another login or another server is another maildrop. */
export interface MaildropPlace {
  readonly organizationId: string;
  readonly mailboxId: string;
  readonly source: string;
}

/**
 * Gives messages of a server that knows no UIDs such numbers as IMAP has them: rising, each given once, kept for as long
 * as the message stands there. The names are kept in small items of a page each; the folder's cursor holds only their sum.
 */
export class MaildropIndex {
  readonly #table: RecordsTable;
  readonly #place: MaildropPlace;
  readonly #uids = new Map<string, number>();
  /** When each was listed first, in seconds since the epoch. */
  readonly #seconds = new Map<number, number>();
  /** Entries by the first UID of their page. */
  readonly #pages = new Map<number, { readonly entries: string; readonly witness: string | undefined }>();
  #head: Head;

  private constructor(table: RecordsTable, place: MaildropPlace, head: Head) {
    this.#table = table;
    this.#place = place;
    this.#head = head;
  }

  /** Undefined when nothing is known of this maildrop. */
  static async load(table: RecordsTable, place: MaildropPlace): Promise<MaildropIndex | undefined> {
    const items = await readAll(table, place, `${place.source}#`);
    const prefix = skOf(place, '');
    const head = items.find(({ sk }) => sk === `${prefix}head`);
    if (head === undefined) return undefined;
    const index = new MaildropIndex(table, place, maildropHeadSchema.parse(head));
    for (const item of items) if (item !== head) index.#keep(maildropPageSchema.parse(item), prefix.length);
    return index;
  }

  /**
   * Begins anew, with other names or for another maildrop; whatever was known of the mailbox is forgotten.
   *
   * @throws WriteConditionError when another session did the same at the same time
   */
  static async begin(
    table: RecordsTable,
    place: MaildropPlace,
    head: Pick<Head, 'uidValidity' | 'naming' | 'renamings'>,
  ): Promise<MaildropIndex> {
    for (const { pk, sk } of await readAll(table, place, '')) await table.write([{ remove: { pk, sk } }]);
    const index = new MaildropIndex(table, place, { ...head, deletions: [] });
    await index.#saveHead({ expression: 'attribute_not_exists(pk)' });
    return index;
  }

  get uidValidity(): string {
    return this.#head.uidValidity;
  }

  get naming(): Naming {
    return this.#head.naming;
  }

  get renamings(): number {
    return this.#head.renamings;
  }

  get deletions(): readonly number[] {
    return this.#head.deletions;
  }

  get uidNext(): number {
    const last = Math.max(0, ...this.#pages.keys());
    return last === 0 ? 1 : last + (this.#pages.get(last)?.entries.length ?? 0) / entryLength;
  }

  get witnesses(): ReadonlySet<string> {
    return new Set([...this.#pages.values()].flatMap(({ witness }) => witness ?? []));
  }

  uidOf(name: string): number | undefined {
    return this.#uids.get(name);
  }

  firstListedAt(uid: number): Date {
    return new Date((this.#seconds.get(uid) ?? 0) * 1000);
  }

  /**
   * Gives numbers to messages that were not listed before. Pages are written in order, so that a crash leaves no gap.
   *
   * @param witnessesOf names the headers of messages, by their names
   * @throws WriteConditionError when another session did the same at the same time
   */
  async append(
    names: readonly string[],
    now: Date,
    witnessesOf: (names: readonly string[]) => Promise<ReadonlyMap<string, string>>,
  ): Promise<void> {
    const time = Math.floor(now.getTime() / 1000)
      .toString(36)
      .padStart(timeLength, '0');
    const last = Math.max(0, ...this.#pages.keys());
    const before = this.#pages.get(last);
    const room = before === undefined ? 0 : namesPerPage - before.entries.length / entryLength;
    const starts: { readonly uid: number; readonly names: readonly string[] }[] = [];
    let uid = this.uidNext;
    for (let at = room; at < names.length; at += namesPerPage)
      starts.push({ uid: uid + at, names: names.slice(at, at + namesPerPage) });
    const witnesses = await witnessesOf(starts.flatMap((start) => start.names.slice(0, 1)));
    const filled = names.slice(0, room);
    if (before !== undefined && filled.length > 0)
      await this.#savePage(last, before.entries, before.entries + toEntries(filled, time), before.witness);
    for (const start of starts) {
      uid = start.uid;
      await this.#savePage(uid, undefined, toEntries(start.names, time), witnesses.get(start.names[0] ?? ''));
    }
  }

  /** Forgets pages of which no message is listed any more. The last one stays: it tells which numbers were given. */
  async forgetGone(listed: ReadonlySet<string>): Promise<void> {
    const last = Math.max(0, ...this.#pages.keys());
    for (const [start, { entries }] of this.#pages) {
      const names = namesIn(entries);
      if (start === last || names.some((name) => listed.has(name))) continue;
      await this.#table.write([{ remove: this.#pageKey(start) }]);
      this.#pages.delete(start);
      for (const name of names) this.#uids.delete(name);
    }
  }

  /** Notes what must leave the maildrop: a session that breaks off removes nothing, so the next one does it. */
  async noteDeletions(uids: readonly number[]): Promise<void> {
    if (uids.length === this.#head.deletions.length && uids.every((uid) => this.#head.deletions.includes(uid))) return;
    this.#head = { ...this.#head, deletions: [...uids] };
    await this.#saveHead();
  }

  #keep({ sk, entries, witness }: z.output<typeof maildropPageSchema>, prefixLength: number): void {
    this.#take(Number(sk.slice(prefixLength)), entries, witness);
  }

  #take(start: number, entries: string, witness: string | undefined): void {
    this.#pages.set(start, { entries, witness });
    for (const [position, name] of namesIn(entries).entries()) {
      const time = position * entryLength + nameLength;
      this.#uids.set(name, start + position);
      this.#seconds.set(start + position, Number.parseInt(entries.slice(time, time + timeLength), 36));
    }
  }

  async #savePage(
    start: number,
    before: string | undefined,
    entries: string,
    witness: string | undefined,
  ): Promise<void> {
    const { organizationId } = this.#place;
    const put = {
      ...this.#pageKey(start),
      v: 1,
      kind,
      organizationId,
      entries,
      ...(witness === undefined ? {} : { witness }),
    };
    const write: RecordWrite = {
      put,
      condition:
        before === undefined
          ? { expression: 'attribute_not_exists(pk)' }
          : { expression: 'entries = :before', values: { ':before': before } },
    };
    await this.#table.write([write]);
    this.#take(start, entries, witness);
  }

  async #saveHead(condition?: { readonly expression: string }): Promise<void> {
    const { organizationId } = this.#place;
    const key = recordKey(organizationId, kind, skOf(this.#place, 'head'));
    const put = { ...key, v: 1, kind, organizationId, ...this.#head };
    await this.#table.write([condition === undefined ? { put } : { put, condition }]);
  }

  #pageKey(start: number): RecordKey {
    return recordKey(this.#place.organizationId, kind, skOf(this.#place, String(start).padStart(uidDigits, '0')));
  }
}

const skOf = ({ mailboxId, source }: MaildropPlace, rest: string): string => `${mailboxId}#${source}#${rest}`;

const toEntries = (names: readonly string[], time: string): string => names.map((name) => `${name}${time}`).join('');

const namesIn = (entries: string): readonly string[] =>
  Array.from({ length: entries.length / entryLength }, (_, position) =>
    entries.slice(position * entryLength, position * entryLength + nameLength),
  );

const readAll = async (table: RecordsTable, { organizationId, mailboxId }: MaildropPlace, rest: string) => {
  const items = [];
  let after: Readonly<Record<string, unknown>> | undefined;
  do {
    const page = await table.query({
      pk: partition(organizationId, kind),
      prefix: `${mailboxId}#${rest}`,
      ...(after === undefined ? {} : { after }),
    });
    items.push(...page.items);
    after = page.after;
  } while (after !== undefined);
  return items;
};
