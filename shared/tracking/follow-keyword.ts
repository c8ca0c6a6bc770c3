import type { FolderCursor } from '../cycle/cycle.ts';
import { emailKind } from '../email/email.ts';
import { decisionFields } from '../email/mime/message-headers.ts';
import { untrackEmail } from '../email/untrack-email.ts';
import { FaultError } from '../platform/fault.ts';
import { fingerprint } from '../platform/identifier.ts';
import { recordKey } from '../platform/records-table.ts';
import type { FolderMarks } from '../transport/folder-marks.ts';
import { fetchWindow, type TrackedFolder } from './fetch-window.ts';
import { forgetDeletedEmail } from './forget-deleted-email.ts';
import { withFormerDecisions } from './former-decisions.ts';
import { type KeywordState, loadKeywordState, removeKeywordState, saveKeywordState } from './keyword-state.ts';
import { identityOf, type MailboxMessage } from './mailbox-message.ts';
import { noteFailures, planKeyword } from './plan-keyword.ts';
import { trackWindow } from './track-window.ts';
import { keywordsOf, usesKeyword } from './tracked-keyword.ts';
import type { TrackingRun } from './tracking-run.ts';
import { writeUidSet } from './uid-set.ts';

const messagesPerWindow = 100;

type CategoryCursor = NonNullable<FolderCursor['category']>;

export interface FollowedKeyword {
  /** Where the folder's cursor stands then; undefined: the keyword is not followed. */
  readonly category: CategoryCursor | undefined;
  /** Messages that were tracked, untracked or tried. */
  readonly seen: number;
  readonly tracked: number;
  /** Messages for which no time was left. */
  readonly left: number;
}

const printOf = (uids: readonly number[]): string => fingerprint(writeUidSet(uids)).slice(0, 16);

const windows = (uids: readonly number[]): readonly (readonly number[])[] =>
  Array.from({ length: Math.ceil(uids.length / messagesPerWindow) }, (_, index) =>
    uids.slice(index * messagesPerWindow, (index + 1) * messagesPerWindow),
  );

/**
 * Follows the tracked category in one folder: a keyword that somebody put on a message has it tracked, whenever it
 * came; one that was taken off has it untracked. Changes are seen by HIGHESTMODSEQ (RFC 7162) where the server has it,
 * else by a search in each cycle.
 */
class KeywordFollower {
  readonly #run: TrackingRun;
  readonly #folder: TrackedFolder;
  readonly #cursor: FolderCursor;
  readonly #mayGoOn: () => boolean;
  readonly #marks: FolderMarks;
  readonly #keywords;
  #tracked = 0;
  #seen = 0;
  readonly #left = new Set<number>();

  constructor(
    run: TrackingRun,
    marks: FolderMarks,
    folder: TrackedFolder,
    cursor: FolderCursor,
    mayGoOn: () => boolean,
  ) {
    this.#run = run;
    this.#marks = marks;
    this.#folder = folder;
    this.#cursor = cursor;
    this.#mayGoOn = mayGoOn;
    this.#keywords = keywordsOf(run.organization.settings.tracking.category);
  }

  async follow(marked: ReadonlySet<number>): Promise<FollowedKeyword> {
    const { session } = this.#run;
    const { path } = this.#folder;
    const before = this.#cursor.category;
    // Before the search: what changes meanwhile moves the number on and is found by the next cycle.
    const status = await session.status(path);
    if (status?.uidValidity !== this.#cursor.uidValidity) return this.#outcome(before);
    const isKnown = before !== undefined && before.keyword === this.#keywords.tracked && !before.failing;
    if (isKnown && status.modseq !== undefined && before.modseq === status.modseq) return this.#outcome(before);
    const present = await this.#marks.listKeyword(path, this.#keywords.tracked);
    const seen = printOf(present);
    const modseq = status.modseq === undefined ? {} : { modseq: status.modseq };
    if (isKnown && before.seen === seen && marked.size === 0) return this.#outcome({ ...before, ...modseq });
    const { failing, bearing } = await this.#apply(present, marked);
    return this.#outcome({ keyword: this.#keywords.tracked, seen: printOf(bearing), ...modseq, failing });
  }

  /** The category was switched off: the hub takes its keyword off again. */
  async leave(): Promise<FollowedKeyword> {
    const { uidValidity, category } = this.#cursor;
    const { path } = this.#folder;
    const state = await loadKeywordState(this.#run, path, uidValidity);
    if (state !== undefined && category !== undefined)
      await this.#marks.changeKeywords(path, uidValidity, state.known, { remove: [category.keyword] });
    await removeKeywordState(this.#run, path);
    return this.#outcome(undefined);
  }

  #outcome(category: CategoryCursor | undefined): FollowedKeyword {
    return { category, seen: this.#seen, tracked: this.#tracked, left: this.#left.size };
  }

  /** @returns whether messages are left that have to be tried again, and which bear the keyword then */
  async #apply(
    present: readonly number[],
    marked: ReadonlySet<number>,
  ): Promise<{ readonly failing: boolean; readonly bearing: readonly number[] }> {
    const { organization } = this.#run;
    const { retry } = organization.settings.tracking;
    const now = this.#run.now().getTime();
    const state = await this.#loadState();
    const { known = [], failing = [] } = state ?? {};
    const retryMilliseconds = retry.seconds * 1000;
    const plan = planKeyword({ known, present, marked, failing, retryMilliseconds, now });
    const failed = await this.#track(plan.track, state === undefined);
    const stillKnown = await this.#untrack(plan.lost);
    const noted = noteFailures(plan, failing, failed, retry.attempts, now);
    await this.#giveUp(noted.givenUp);
    const open = new Set([...noted.failing.map(({ uid }) => uid), ...noted.givenUp, ...this.#left]);
    await saveKeywordState(this.#run, {
      folder: this.#folder.path,
      uidValidity: this.#cursor.uidValidity,
      keyword: this.#keywords.tracked,
      known: [...new Set([...present.filter((uid) => !open.has(uid)), ...marked, ...stillKnown])],
      failing: [...noted.failing],
    });
    const givenUp = new Set(noted.givenUp);
    return { failing: noted.failing.length + this.#left.size > 0, bearing: present.filter((uid) => !givenUp.has(uid)) };
  }

  /** With the keyword of today: where the category was renamed, its messages get the new one in place of the old. */
  async #loadState(): Promise<KeywordState | undefined> {
    const { path } = this.#folder;
    const { uidValidity } = this.#cursor;
    const state = await loadKeywordState(this.#run, path, uidValidity);
    if (state === undefined || state.keyword === this.#keywords.tracked) return state;
    const change = { add: [this.#keywords.tracked], remove: [state.keyword] };
    await this.#marks.changeKeywords(path, uidValidity, state.known, change);
    return state;
  }

  /** @returns those that could not be tracked; what was not tried for want of time is none of them */
  async #track(uids: readonly number[], isFirstLook: boolean): Promise<readonly number[]> {
    const failed: number[] = [];
    const done: number[] = [];
    for (const window of windows(uids)) {
      if (!this.#mayGoOn()) {
        for (const uid of window) this.#left.add(uid);
        continue;
      }
      const messages = await this.#wanted(await this.#fetch(window), isFirstLook);
      const { results } = await trackWindow(this.#run, messages, this.#mayGoOn);
      for (const { uid } of messages) {
        const result = results.get(uid);
        if (result === undefined && !this.#mayGoOn()) {
          this.#left.add(uid);
          continue;
        }
        this.#seen += 1;
        if (result === 'tracked') this.#tracked += 1;
        if (result === 'tracked' || result === 'duplicate' || result === 'withdrawn') done.push(uid);
        else if (result !== 'gone') failed.push(uid);
      }
    }
    const { path } = this.#folder;
    const remove = [this.#keywords.undeliverable];
    if (done.length > 0) await this.#marks.changeKeywords(path, this.#cursor.uidValidity, done, { remove });
    return failed;
  }

  async #fetch(uids: readonly number[]): Promise<readonly MailboxMessage[]> {
    const { messages } = await fetchWindow(this.#run.session, this.#folder, this.#cursor, uids, decisionFields);
    return messages;
  }

  /** At the first look nobody can have put the keyword on what is an email already: it is as it was left. */
  async #wanted(messages: readonly MailboxMessage[], isFirstLook: boolean): Promise<readonly MailboxMessage[]> {
    const emails = await this.#emailsOf(messages);
    const open = isFirstLook ? messages.filter(({ uid }) => !emails.has(uid)) : messages;
    for (const { uid, headers, direction } of open) {
      const identity = identityOf(headers);
      if (identity !== undefined && emails.has(uid)) await forgetDeletedEmail(this.#run, direction, identity);
    }
    const detail = `the keyword ${this.#keywords.tracked} was put on it`;
    const manual = { via: 'category', detail, bringsBack: !isFirstLook } as const;
    return (await withFormerDecisions(this.#run, open, ['INBOX'])).map((message) => ({
      ...message,
      manual: { ...manual, regarding: message.manual?.regarding ?? null },
    }));
  }

  async #emailsOf(messages: readonly MailboxMessage[]): Promise<ReadonlyMap<number, string>> {
    const identities = messages.flatMap(({ headers }) => identityOf(headers) ?? []);
    if (identities.length === 0) return new Map();
    const known = await this.#run.lookups.trackedEmails(this.#folder.direction, [...new Set(identities)]);
    return new Map(
      messages.flatMap(({ uid, headers }) => {
        const emailId = known.get(identityOf(headers) ?? '');
        return emailId === undefined ? [] : [[uid, emailId] as const];
      }),
    );
  }

  /**
   * Untracks what lost its keyword. What left the folder keeps being tracked, and so does what a second look finds to
   * bear it after all.
   *
   * @returns those that bear it after all
   */
  async #untrack(lost: readonly number[]): Promise<readonly number[]> {
    if (lost.length === 0) return [];
    const { session, store, organization } = this.#run;
    const { path } = this.#folder;
    const listed = await session.stillListed(path, lost);
    const bearing = new Set(await this.#marks.listKeyword(path, this.#keywords.tracked));
    const without = listed.filter((uid) => !bearing.has(uid));
    for (const window of windows(without)) {
      const emailIds = [...new Set((await this.#emailsOf(await this.#fetch(window))).values())];
      const items = await store.table.getMany(emailIds.map((id) => recordKey(organization.id, emailKind.kind, id)));
      for (const item of items) await this.#untrackOne(emailKind.parse(item['entity']).id);
    }
    return listed.filter((uid) => bearing.has(uid));
  }

  async #untrackOne(emailId: string): Promise<void> {
    const { store, organization, author, now } = this.#run;
    this.#seen += 1;
    try {
      await untrackEmail({ store, now }, organization.id, emailId, { author });
    } catch (error) {
      // Deleted meanwhile, or a Send that is still under way.
      const code = error instanceof FaultError ? error.fault.code : undefined;
      if (code !== 'notFound' && code !== 'invalidState') throw error;
    }
  }

  async #giveUp(uids: readonly number[]): Promise<void> {
    if (uids.length === 0) return;
    const { tracked, undeliverable } = this.#keywords;
    const change = { add: [undeliverable], remove: [tracked] };
    await this.#marks.changeKeywords(this.#folder.path, this.#cursor.uidValidity, uids, change);
  }
}

/**
 * @param cursor as it stands in the cycle
 * @param marked messages on which this run has put the keyword itself
 * @throws TransportError
 */
export const followKeyword = async (
  run: TrackingRun,
  folder: TrackedFolder,
  cursor: FolderCursor,
  marked: ReadonlySet<number>,
  mayGoOn: () => boolean,
): Promise<FollowedKeyword> => {
  const { marks } = run.session;
  if (marks === undefined) return { category: undefined, seen: 0, tracked: 0, left: 0 };
  const follower = new KeywordFollower(run, marks, folder, cursor, mayGoOn);
  if (usesKeyword(run)) return follower.follow(marked);
  // Whoever only watches a mailbox changes nothing in it.
  const isActive = run.mailbox.workloads.incoming.mode === 'active';
  if (cursor.category !== undefined && isActive) return follower.leave();
  return { category: cursor.category, seen: 0, tracked: 0, left: 0 };
};
