import { clearAlert, raiseAlert } from '../alert/raise-alert.ts';
import type { CycleCounts, FolderCursor } from '../cycle/cycle.ts';
import type { WorkloadRun } from '../cycle/workload.ts';
import { decisionFields } from '../email/mime/message-headers.ts';
import { createFault } from '../platform/fault.ts';
import { recordKey } from '../platform/records-table.ts';
import { TransportError } from '../transport/transport-error.ts';
import { decisionKind } from './decision.ts';
import { decisionIdOf } from './decision-writes.ts';
import { FetchAhead } from './fetch-ahead.ts';
import { type FetchedWindow, fetchWindow, type TrackedFolder, toMessage } from './fetch-window.ts';
import type { MailboxMessage } from './mailbox-message.ts';
import { planReading } from './plan-reading.ts';
import { setAsideMessage } from './set-aside-message.ts';
import { trackForwarded } from './track-forwarded.ts';
import { trackWindow } from './track-window.ts';
import type { MessageResult, TrackingRun } from './tracking-run.ts';
import { assumedReceipt, mustSetAside, noteWithheld, withheldError, withheldReason } from './withheld-messages.ts';

export interface FolderOutcome {
  readonly counts: CycleCounts;
  /** The deadline came first. */
  readonly more: boolean;
  readonly backlog: number;
}

/** As many as one read of the identities that are known can ask for. */
const messagesPerWindow = 100;
const mostResets = 5;
const runsBeforeSetAside = 3;
const dayMilliseconds = 86_400_000;

const countOf: Readonly<Record<MessageResult, keyof CycleCounts | undefined>> = {
  tracked: 'tracked',
  skipped: 'skipped',
  duplicate: 'skipped',
  setAside: 'failed',
  gone: undefined,
};

/**
 * Reads what is new in one folder, window by window. The cursor moves past a message only once it is stored, decided or
 * set aside, so whatever ends the run in between costs no more than doing a window again.
 *
 * @param source tells the mailbox on its server from every other one
 * @throws TransportError, uidValidityUnstable among them; FenceError when the run is over
 */
export const readFolder = (
  run: WorkloadRun,
  tracking: TrackingRun,
  folder: TrackedFolder,
  source: string,
): Promise<FolderOutcome> => new FolderReader(run, tracking, folder, source).read();

const describeReset = (path: string, before: FolderCursor | undefined, after: FolderCursor): string =>
  before?.uidValidity === after.uidValidity
    ? `${path} gives UIDs again: its UIDNEXT went back below ${Math.max(before.uidNext ?? 0, before.lastUid + 1)}`
    : `${path} has UIDVALIDITY ${after.uidValidity}; it had ${before?.uidValidity}`;

const cutIntoWindows = (uids: readonly number[], size: number): readonly (readonly number[])[] =>
  Array.from({ length: Math.ceil(uids.length / size) }, (_, index) => uids.slice(index * size, (index + 1) * size));

class FolderReader {
  readonly #run: WorkloadRun;
  readonly #tracking: TrackingRun;
  readonly #folder: TrackedFolder;
  readonly #source: string;
  readonly #counts = { seen: 0, tracked: 0, skipped: 0, failed: 0 };
  /** As it stands in the cycle. */
  #stored: FolderCursor | undefined;

  constructor(run: WorkloadRun, tracking: TrackingRun, folder: TrackedFolder, source: string) {
    this.#run = run;
    this.#tracking = tracking;
    this.#folder = folder;
    this.#source = source;
    this.#stored = run.cycle.cursors[folder.path];
  }

  async read(): Promise<FolderOutcome> {
    // Before anything is read: what arrives meanwhile moves UIDNEXT on and is found by the next cycle.
    const status = await this.#tracking.session.status(this.#folder.path);
    if (status === undefined) return { counts: this.#counts, more: false, backlog: 0 };
    const reading = planReading({
      previous: this.#stored,
      status,
      source: this.#source,
      processFrom: this.#tracking.processFrom?.toISOString() ?? null,
      decidedUntil: this.#decidedUntil(),
    });
    if (reading.kind === 'nothing') return { counts: this.#counts, more: false, backlog: 0 };
    if (reading.kind === 'anew') await this.#begin(reading.cursor, reading.reset);
    else if ((this.#stored?.resets ?? 0) > 0) await this.#tellStable();
    const uids = await this.#listUids(reading.cursor, status.uidNext);
    const left = await this.#readWindows(reading.cursor, uids);
    if (left > 0) return { counts: this.#counts, more: true, backlog: left };
    const { lastUid, knownUpTo } = this.#stored ?? reading.cursor;
    const { withheld: _, ...cursor } = reading.cursor;
    await this.#save({ ...cursor, lastUid: Math.max(lastUid, knownUpTo), uidNext: status.uidNext });
    return { counts: this.#counts, more: false, backlog: 0 };
  }

  #decidedUntil(): string | null {
    const { lastSuccessAt } = this.#run.cycle;
    if (lastSuccessAt === undefined) return null;
    const days = this.#run.organization.settings.tracking.decisionRetentionDays;
    return new Date(lastSuccessAt - days * dayMilliseconds).toISOString();
  }

  async #begin(cursor: FolderCursor, reset: boolean): Promise<void> {
    const { organization, mailbox } = this.#run;
    const detail = describeReset(this.#folder.path, this.#stored, cursor);
    if (reset && cursor.resets <= mostResets)
      await raiseAlert(this.#tracking.store, {
        organizationId: organization.id,
        level: 'warning',
        scope: 'mailbox',
        fault: createFault('uidValidityChanged', { detail }),
        subject: { type: 'mailbox', id: mailbox.id },
        mailboxId: mailbox.id,
        now: this.#run.now(),
      });
    // Also where it ends here: a later probe that finds the same identity again goes on.
    await this.#save(cursor);
    if (cursor.resets > mostResets)
      throw new TransportError('uidValidityUnstable', { class: 'permanent', level: 'mailbox', detail });
  }

  async #tellStable(): Promise<void> {
    const { organization, mailbox } = this.#run;
    const clearing = { now: this.#run.now() };
    await clearAlert(this.#tracking.store, organization.id, 'uidValidityChanged', mailbox.id, clearing);
  }

  async #listUids(cursor: FolderCursor, uidNext: number): Promise<readonly number[]> {
    const { session } = this.#tracking;
    const { path } = this.#folder;
    const { lastUid, knownUpTo, since } = cursor;
    // SINCE compares days and knows no time zone (RFC 3501 section 6.4.4): a day of margin, and each message is asked.
    const from = since === null ? {} : { since: new Date(Date.parse(since) - dayMilliseconds) };
    const known = lastUid < knownUpTo ? await session.listUids(path, lastUid, { upToUid: knownUpTo, ...from }) : [];
    const after = Math.max(lastUid, knownUpTo);
    return uidNext - 1 > after ? [...known, ...(await session.listUids(path, after))] : known;
  }

  /** How many are left when the deadline comes first. */
  async #readWindows(cursor: FolderCursor, uids: readonly number[]): Promise<number> {
    const { careful } = this.#run;
    const size = careful === undefined ? messagesPerWindow : 1;
    const windows = cutIntoWindows(uids, size);
    const ahead = new FetchAhead(windows, (window) => this.#fetchWindow(cursor, window));
    let start = 0;
    for (const window of windows) {
      if (!this.#mayGoOn()) return uids.length - start;
      const [first = 0] = window;
      const item = `${this.#folder.path}/${cursor.uidValidity}/${first}`;
      let passed: number;
      if (careful !== undefined && (await careful.begin(item)) === 'setAside')
        passed = await this.#setAside(cursor, uids, first);
      else {
        // Careful runs begin nothing that is not noted.
        const fetched = await (careful === undefined ? ahead.next() : this.#fetchWindow(cursor, window));
        passed = await this.#track(cursor, uids, window, fetched);
      }
      const last = window[passed - 1];
      if (last !== undefined) await this.#save({ ...cursor, ...this.#uidNextSoFar(), lastUid: last });
      if (passed < window.length) return uids.length - start - passed;
      start += window.length;
    }
    return 0;
  }

  /** Until the folder is read to its end the UIDNEXT of the last time stands. */
  #uidNextSoFar(): Pick<FolderCursor, 'uidNext'> {
    return this.#stored?.uidNext === undefined ? {} : { uidNext: this.#stored.uidNext };
  }

  #fetchWindow(cursor: FolderCursor, uids: readonly number[], fields = decisionFields): Promise<FetchedWindow> {
    return fetchWindow(this.#tracking.session, this.#folder, cursor, uids, fields);
  }

  /**
   * How many of the window, from its beginning, are done with.
   *
   * @throws TransportError when the first that is not is one that the server withholds; the cursor stands before it
   */
  async #track(
    cursor: FolderCursor,
    uids: readonly number[],
    window: readonly number[],
    fetched: FetchedWindow,
  ): Promise<number> {
    const pending = await this.#withoutDecided(cursor, fetched.messages);
    const track = this.#run.mailbox.kind === 'forward' ? trackForwarded : trackWindow;
    const { results, withheld } = await track(this.#tracking, pending, () => this.#mayGoOn());
    await this.#deleteProcessed(cursor, results);
    for (const result of results.values()) this.#count(result);
    const open = new Set(pending.map(({ uid }) => uid).filter((uid) => !results.has(uid)));
    const unsent = new Set([...fetched.withheld, ...withheld]);
    for (const uid of unsent) {
      const known = pending.find((one) => one.uid === uid);
      if (await this.#giveUpWithheld(cursor, uid, known)) open.delete(uid);
      else open.add(uid);
    }
    const firstOpen = window.findIndex((uid) => open.has(uid));
    const uid = window[firstOpen];
    if (uid === undefined) return window.length;
    if (unsent.has(uid)) await this.#endBefore(cursor, uids, uid, window[firstOpen - 1]);
    return firstOpen;
  }

  /** Before the cursor moves on, so that a crash in between deletes what it left. */
  async #deleteProcessed(cursor: FolderCursor, results: ReadonlyMap<number, MessageResult>): Promise<void> {
    const { deleteAfterProcessing, workloads } = this.#run.mailbox;
    if (!deleteAfterProcessing || workloads.incoming.mode !== 'active') return;
    const { path, direction } = this.#folder;
    // Only what the hub has an email of: nothing else would be left of what was skipped.
    const stored = [...results].flatMap(([uid, result]) =>
      result === 'tracked' || result === 'duplicate' ? [uid] : [],
    );
    if (direction === 'incoming') await this.#tracking.session.deleteMessages(path, cursor.uidValidity, stored);
  }

  /**
   * Sets a message aside that the server withheld in enough runs; otherwise it is asked for again in the next.
   *
   * @param known of a message that did not come at all nothing is known but its UID
   */
  async #giveUpWithheld(cursor: FolderCursor, uid: number, known?: MailboxMessage): Promise<boolean> {
    const { withheld } = cursor;
    if (withheld === undefined || !mustSetAside(withheld, uid)) return false;
    const head = { uid, sizeBytes: 0, receivedAt: assumedReceipt(withheld, uid), header: Buffer.alloc(0) };
    const message = known ?? toMessage(this.#folder, cursor, head);
    await setAsideMessage(this.#tracking, message, withheldReason, withheld.runs + 1);
    this.#count('setAside');
    return true;
  }

  /**
   * Ends the run before a message that the server withholds.
   *
   * @throws TransportError
   */
  async #endBefore(cursor: FolderCursor, uids: readonly number[], uid: number, before?: number): Promise<never> {
    const lastUid = before ?? this.#stored?.lastUid ?? cursor.lastUid;
    const withheld = noteWithheld(cursor.withheld, uid, uids.at(-1) ?? uid, this.#run.now());
    await this.#save({ ...cursor, ...this.#uidNextSoFar(), lastUid, withheld });
    throw withheldError(this.#folder.path, uid);
  }

  /**
   * When a folder is read anew, what was decided before stays so: tracked mail is not tracked again, and settings that
   * have changed since do not pull in what was skipped. Only mail from before an earlier start is decided again.
   */
  async #withoutDecided(cursor: FolderCursor, messages: readonly MailboxMessage[]): Promise<readonly MailboxMessage[]> {
    const { organization, mailbox } = this.#run;
    const asked = new Map(
      messages.filter(({ uid }) => uid <= cursor.knownUpTo).map((one) => [one.uid, decisionIdOf(mailbox.id, one)]),
    );
    if (asked.size === 0) return messages;
    const keys = [...new Set(asked.values())].map((id) => recordKey(organization.id, decisionKind.kind, id));
    const decided = new Set<string>();
    for (const item of await this.#tracking.store.table.getMany(keys)) {
      const { id, code } = decisionKind.parse(item['entity']);
      if (code !== 'beforeProcessFrom') decided.add(id);
    }
    return messages.filter(({ uid }) => !decided.has(asked.get(uid) ?? ''));
  }

  /** Sets a message aside that ended three runs: nothing of it but its bytes is looked at. */
  async #setAside(cursor: FolderCursor, uids: readonly number[], uid: number): Promise<number> {
    const reason = `${runsBeforeSetAside} runs ended while they worked on this message`;
    const { messages, withheld } = await this.#fetchWindow(cursor, [uid], []);
    for (const message of messages) {
      await setAsideMessage(this.#tracking, message, reason, runsBeforeSetAside);
      this.#count('setAside');
    }
    if (withheld.length > 0 && !(await this.#giveUpWithheld(cursor, uid))) await this.#endBefore(cursor, uids, uid);
    return 1;
  }

  #count(result: MessageResult): void {
    const counted = countOf[result];
    if (counted === undefined) return;
    this.#counts.seen += 1;
    this.#counts[counted] += 1;
  }

  #mayGoOn(): boolean {
    return this.#run.now().getTime() < this.#run.deadline;
  }

  async #save(next: FolderCursor): Promise<void> {
    await this.#run.saveCursor(this.#folder.path, this.#stored, next);
    this.#stored = next;
  }
}
