import type { CycleCounts, FolderCursor } from '../cycle/cycle.ts';
import type { CycleBudget } from '../cycle/cycle-budget.ts';
import type { WorkloadRun } from '../cycle/workload.ts';
import { decisionFields } from '../email/mime/message-headers.ts';
import { deletesProcessed } from '../mailbox/mailbox.ts';
import type { FolderStatus } from '../transport/mailbox-session.ts';
import { FetchAhead } from './fetch-ahead.ts';
import { type FetchedWindow, fetchWindow, type TrackedFolder, toMessage } from './fetch-window.ts';
import { FolderKeyword } from './folder-keyword.ts';
import { refuseUnstable, tellReset, tellStable } from './folder-resets.ts';
import type { MailboxMessage } from './mailbox-message.ts';
import { bytesOfTracked, countOf, trackedOf } from './message-results.ts';
import { moveUndeliverable } from './move-undeliverable.ts';
import { planReading } from './plan-reading.ts';
import { setAsideMessage } from './set-aside-message.ts';
import { trackForwarded } from './track-forwarded.ts';
import { trackWindow } from './track-window.ts';
import type { MessageResult, TrackingRun } from './tracking-run.ts';
import { assumedReceipt, mustSetAside, noteWithheld, WithheldError, withheldReason } from './withheld-messages.ts';
import { searchedSince, withoutDecided } from './without-decided.ts';

export interface FolderOutcome {
  readonly counts: CycleCounts;
  /** The deadline, or a limit of the cycle, came first. */
  readonly more: boolean;
  readonly backlog: number;
  /** As it stands in the cycle then; undefined: the server has no such folder. */
  readonly cursor: FolderCursor | undefined;
}

/** As many as one read of the identities that are known can ask for. */
const messagesPerWindow = 100;
const runsBeforeSetAside = 3;
const dayMilliseconds = 86_400_000;

/**
 * Reads what is new in one folder, window by window. The cursor moves past a message only once it is stored, decided or
 * set aside, so whatever ends the run in between costs no more than doing a window again.
 *
 * @param reading `source` tells the mailbox on its server from every other one; `budget` is what this run may still take
 * @throws TransportError, uidValidityUnstable among them; FenceError when the run is over
 */
export const readFolder = (
  run: WorkloadRun,
  tracking: TrackingRun,
  folder: TrackedFolder,
  reading: { readonly source: string; readonly budget: CycleBudget },
): Promise<FolderOutcome> => new FolderReader(run, tracking, folder, reading).read();

const cutIntoWindows = (uids: readonly number[], size: number): readonly (readonly number[])[] =>
  Array.from({ length: Math.ceil(uids.length / size) }, (_, index) => uids.slice(index * size, (index + 1) * size));

const listingOf = ({ listing }: FolderStatus): Pick<FolderCursor, 'listing'> =>
  listing === undefined ? {} : { listing };

class FolderReader {
  readonly #run: WorkloadRun;
  readonly #tracking: TrackingRun;
  readonly #folder: TrackedFolder;
  readonly #source: string;
  readonly #budget: CycleBudget;
  readonly #counts = { seen: 0, tracked: 0, skipped: 0, failed: 0 };
  readonly #keyword: FolderKeyword;
  /** As it stands in the cycle. */
  #stored: FolderCursor | undefined;
  #hasDeleted = false;

  constructor(
    run: WorkloadRun,
    tracking: TrackingRun,
    folder: TrackedFolder,
    { source, budget }: { readonly source: string; readonly budget: CycleBudget },
  ) {
    this.#run = run;
    this.#tracking = tracking;
    this.#folder = folder;
    this.#source = source;
    this.#budget = budget;
    this.#keyword = new FolderKeyword(tracking, folder);
    this.#stored = run.cycle.cursors[folder.path];
  }

  async read(): Promise<FolderOutcome> {
    // Before anything is read: what arrives meanwhile moves UIDNEXT on and is found by the next cycle.
    const status = await this.#tracking.session.status(this.#folder.path);
    if (status === undefined) return this.#outcome(0, undefined);
    const reading = planReading({
      previous: this.#stored,
      status,
      source: this.#source,
      // Where all mail is tracked no start counts.
      processFrom: this.#folder.manual === undefined ? (this.#tracking.processFrom?.toISOString() ?? null) : null,
      decidedUntil: this.#decidedUntil(),
    });
    if (reading.kind === 'nothing') {
      if (this.#stored !== undefined && this.#stored.listing !== status.listing)
        await this.#save({ ...this.#stored, ...listingOf(status) });
      return this.#follow();
    }
    if (reading.kind === 'anew') await this.#begin(reading.cursor, reading.reset);
    else if ((this.#stored?.resets ?? 0) > 0) await tellStable(this.#tracking.store, this.#run);
    const uids = await this.#listUids(reading.cursor, status.uidNext);
    const left = await this.#readWindows(reading.cursor, uids);
    if (left > 0) return this.#outcome(left, this.#stored);
    const { lastUid, knownUpTo } = this.#stored ?? reading.cursor;
    const { withheld: _withheld, listing: _listing, ...cursor } = reading.cursor;
    // Where messages were deleted the listing is another one, or they are still there and must be looked for.
    const listing = this.#hasDeleted ? {} : listingOf(status);
    await this.#save({ ...cursor, lastUid: Math.max(lastUid, knownUpTo), uidNext: status.uidNext, ...listing });
    return this.#follow();
  }

  #outcome(backlog: number, cursor: FolderCursor | undefined): FolderOutcome {
    return { counts: this.#counts, more: backlog > 0, backlog, cursor };
  }

  /** Once all that is new was read: what people did with the tracked keyword. */
  async #follow(): Promise<FolderOutcome> {
    const cursor = this.#stored;
    if (cursor === undefined) return this.#outcome(0, cursor);
    const followed = await this.#keyword.follow(cursor, () => this.#budget.mayBegin());
    this.#counts.seen += followed.seen;
    this.#counts.tracked += followed.tracked;
    if (followed.cursor !== cursor) await this.#save(followed.cursor);
    return this.#outcome(followed.left, this.#stored);
  }

  #decidedUntil(): string | null {
    const { lastSuccessAt } = this.#run.cycle;
    if (lastSuccessAt === undefined) return null;
    const days = this.#run.organization.settings.tracking.decisionRetentionDays;
    return new Date(lastSuccessAt - days * dayMilliseconds).toISOString();
  }

  async #begin(cursor: FolderCursor, reset: boolean): Promise<void> {
    const before = this.#stored;
    const { path } = this.#folder;
    if (reset) await tellReset(this.#tracking.store, this.#run, path, before, cursor);
    // Also where it ends here: a later probe that finds the same identity again goes on.
    await this.#save(cursor);
    refuseUnstable(path, before, cursor);
  }

  async #listUids(cursor: FolderCursor, uidNext: number): Promise<readonly number[]> {
    const { session } = this.#tracking;
    const { path } = this.#folder;
    const { lastUid, knownUpTo } = cursor;
    const since = searchedSince(cursor);
    const from = since === undefined ? {} : { since };
    const known = lastUid < knownUpTo ? await session.listUids(path, lastUid, { upToUid: knownUpTo, ...from }) : [];
    const after = Math.max(lastUid, knownUpTo);
    return uidNext - 1 > after ? [...known, ...(await session.listUids(path, after))] : known;
  }

  /** How many are left when the deadline or a limit comes first. */
  async #readWindows(cursor: FolderCursor, uids: readonly number[]): Promise<number> {
    const { careful } = this.#run;
    const size = careful === undefined ? this.#budget.windowSize(messagesPerWindow) : 1;
    const windows = cutIntoWindows(uids, size);
    const ahead = new FetchAhead(windows, (window) => this.#fetchWindow(cursor, window));
    let start = 0;
    for (const window of windows) {
      if (!this.#budget.mayBegin()) return uids.length - start;
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
    const pending = await withoutDecided(this.#tracking, this.#folder, cursor, fetched.messages);
    const track = this.#run.mailbox.kind === 'forward' ? trackForwarded : trackWindow;
    const { results, withheld } = await track(this.#tracking, this.#budget.within(pending), () =>
      this.#budget.mayGoOn(),
    );
    await this.#keyword.mark(cursor, trackedOf(results));
    await this.#deleteProcessed(cursor, results);
    await this.#moveUndeliverable(cursor, results);
    for (const result of results.values()) this.#count(result);
    this.#budget.spend(results.size, bytesOfTracked(pending, results));
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
    if (!deletesProcessed(this.#run.mailbox)) return;
    const { path, direction } = this.#folder;
    // Only what the hub has an email of: nothing else would be left of what was skipped.
    const stored = trackedOf(results);
    if (direction !== 'incoming' || stored.length === 0) return;
    await this.#tracking.session.deleteMessages(path, cursor.uidValidity, stored);
    this.#hasDeleted = true;
  }

  /** As deleteProcessed. */
  #moveUndeliverable({ uidValidity }: FolderCursor, results: ReadonlyMap<number, MessageResult>): Promise<void> {
    const { moveUndeliverable: isWanted } = this.#run.serverProfile;
    return isWanted ? moveUndeliverable(this.#tracking, this.#folder, uidValidity, results) : Promise.resolve();
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
    throw new WithheldError(this.#folder.path, uid);
  }

  /** Sets a message aside that ended three runs: nothing of it but its bytes is looked at. */
  async #setAside(cursor: FolderCursor, uids: readonly number[], uid: number): Promise<number> {
    const reason = `${runsBeforeSetAside} runs ended while they worked on this message`;
    const { messages, withheld } = await this.#fetchWindow(cursor, [uid], []);
    for (const message of messages) {
      await setAsideMessage(this.#tracking, message, reason, runsBeforeSetAside);
      this.#count('setAside');
    }
    await this.#moveUndeliverable(cursor, new Map(messages.map((message) => [message.uid, 'setAside'])));
    if (withheld.length > 0 && !(await this.#giveUpWithheld(cursor, uid))) await this.#endBefore(cursor, uids, uid);
    return 1;
  }

  #count(result: MessageResult): void {
    const counted = countOf[result];
    if (counted === undefined) return;
    this.#counts.seen += 1;
    this.#counts[counted] += 1;
  }

  async #save(next: FolderCursor): Promise<void> {
    await this.#run.saveCursor(this.#folder.path, this.#stored, next);
    this.#stored = next;
  }
}
