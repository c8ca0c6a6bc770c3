import * as z from 'zod';
import type { LaneVerdict } from '../cycle/run-lane-batch.ts';
import { decisionFields } from '../email/mime/message-headers.ts';
import {
  type InMailboxDelivery,
  type InMailboxDependencies,
  type MailboxVisit,
  runInMailbox,
} from '../mailbox/run-in-mailbox.ts';
import { isFinished, type Operation } from '../operation/operation.ts';
import { operationMessage } from '../operation/operation-message.ts';
import { finishOperation, reportProgress } from '../operation/run-operation.ts';
import type { ContentStore } from '../platform/content-store.ts';
import { createFault } from '../platform/fault.ts';
import type { MailFolder } from '../transport/mailbox-session.ts';
import { toMessage } from './fetch-window.ts';
import { directionOf } from './find-message.ts';
import { withFormerDecisions } from './former-decisions.ts';
import type { MailboxMessage } from './mailbox-message.ts';
import { markTracked } from './mark-tracked.ts';
import { fetchListed } from './missing-messages.ts';
import { trackForwarded } from './track-forwarded.ts';
import { trackWindow } from './track-window.ts';
import { createTrackingContext } from './tracking-context.ts';
import type { MessageResult, TrackingRun } from './tracking-run.ts';

export const reprocessInputSchema = z.object({ from: z.string(), folderId: z.string().optional() });

export interface ReprocessDependencies extends InMailboxDependencies {
  readonly content: ContentStore;
}

const countsSchema = z.object({
  seen: z.number().int(),
  tracked: z.number().int(),
  skipped: z.number().int(),
  duplicate: z.number().int(),
  failed: z.number().int(),
});
type Counts = z.output<typeof countsSchema>;

/** How far an operation has come, as its result tells it while it runs. */
const stateSchema = z.object({
  ...countsSchema.shape,
  position: z
    .object({ folder: z.string(), uidValidity: z.string(), lastUid: z.number().int(), passed: z.array(z.string()) })
    .optional(),
});
type State = z.output<typeof stateSchema>;
type Position = NonNullable<State['position']>;

const none: State = { seen: 0, tracked: 0, skipped: 0, duplicate: 0, failed: 0 };
const messagesPerWindow = 100;
const dayMilliseconds = 86_400_000;

const countOf: Readonly<Record<MessageResult, keyof Counts | undefined>> = {
  tracked: 'tracked',
  skipped: 'skipped',
  duplicate: 'duplicate',
  withdrawn: 'duplicate',
  setAside: 'failed',
  gone: undefined,
  known: undefined,
};

/** What was tracked, is a duplicate, or waits as a dead letter or for the CRM stays as it is. */
const isOpen = ({ previous }: MailboxMessage): boolean => previous === undefined || previous.outcome === 'skipped';

const chooseFolders = (
  folders: readonly MailFolder[],
  folderId: string | undefined,
  sentItems: boolean,
): readonly MailFolder[] =>
  folderId === undefined
    ? folders.filter(({ path, role }) => path === 'INBOX' || (sentItems && role === 'sent'))
    : folders.filter(({ id }) => id === folderId);

class Reprocessing {
  readonly #visit: MailboxVisit;
  readonly #run: TrackingRun;
  readonly #from: Date;
  readonly #mayGoOn: () => boolean;
  readonly #save: (state: State) => Promise<void>;
  #state: State;

  constructor(
    visit: MailboxVisit,
    run: TrackingRun,
    from: Date,
    state: State,
    tools: { readonly mayGoOn: () => boolean; readonly save: (state: State) => Promise<void> },
  ) {
    this.#visit = visit;
    this.#run = run;
    this.#from = from;
    this.#state = state;
    this.#mayGoOn = tools.mayGoOn;
    this.#save = tools.save;
  }

  get state(): State {
    return this.#state;
  }

  /** @returns whether all folders were read to their end */
  async read(folders: readonly MailFolder[]): Promise<boolean> {
    for (const folder of folders) {
      const passed = this.#state.position?.passed ?? [];
      if (passed.includes(folder.path)) continue;
      if (!(await this.#readFolder(folder, passed))) return false;
      await this.#note({ folder: '', uidValidity: '', lastUid: 0, passed: [...passed, folder.path] });
    }
    return true;
  }

  async #readFolder({ path, role }: MailFolder, passed: readonly string[]): Promise<boolean> {
    const { session } = this.#visit;
    const status = await session.status(path);
    if (status === undefined) return true;
    const { position } = this.#state;
    const goesOn = position?.folder === path && position.uidValidity === status.uidValidity;
    const at: Position = {
      folder: path,
      uidValidity: status.uidValidity,
      lastUid: goesOn ? position.lastUid : 0,
      passed: [...passed],
    };
    // SINCE compares days and knows no time zone (RFC 3501 section 6.4.4): a day of margin, and each message is asked.
    const since = new Date(this.#from.getTime() - dayMilliseconds);
    const uids = await session.listUids(path, at.lastUid, { since });
    for (let start = 0; start < uids.length; start += messagesPerWindow) {
      if (!this.#mayGoOn()) return false;
      const window = uids.slice(start, start + messagesPerWindow);
      const done = await this.#readWindow({ path, direction: directionOf({ role }) }, status.uidValidity, window);
      if (done.length > 0) await this.#note({ ...at, lastUid: done.at(-1) ?? at.lastUid });
      if (done.length < window.length) return false;
    }
    return true;
  }

  /** @returns the messages from the first on that are done with */
  async #readWindow(
    folder: { readonly path: string; readonly direction: MailboxMessage['direction'] },
    uidValidity: string,
    uids: readonly number[],
  ): Promise<readonly number[]> {
    const { session } = this.#visit;
    const messages: MailboxMessage[] = [];
    const { withheld: unread } = await fetchListed(session, folder.path, uids, async (asked) => {
      const missing = new Set(asked);
      await session.fetchHeads(folder.path, asked, decisionFields, (head) => {
        missing.delete(head.uid);
        messages.push(toMessage(folder, { uidValidity, knownUpTo: head.uid }, head));
      });
      return [...missing];
    });
    const inTime = messages
      .filter(({ receivedAt }) => receivedAt.getTime() >= Math.floor(this.#from.getTime() / 1000) * 1000)
      .sort((one, other) => one.uid - other.uid);
    // What stands in a forward mailbox only carries the messages that there are decisions about.
    const isForward = this.#run.mailbox.kind === 'forward';
    const open = isForward ? inTime : (await withFormerDecisions(this.#run, inTime, ['INBOX'])).filter(isOpen);
    const { results, withheld } = isForward
      ? await trackForwarded(this.#run, open, this.#mayGoOn, { isOpen })
      : await trackWindow(this.#run, open, this.#mayGoOn);
    for (const result of results.values()) this.#count(countOf[result]);
    const tracked = [...results].flatMap(([uid, result]) => (result === 'tracked' ? [uid] : []));
    await markTracked(this.#run, folder.path, uidValidity, tracked);
    for (const _ of [...unread, ...withheld]) this.#count('failed');
    const firstLeft = open.find(({ uid }) => !results.has(uid) && !withheld.has(uid));
    return firstLeft === undefined ? uids : uids.filter((uid) => uid < firstLeft.uid);
  }

  #count(counted: keyof Counts | undefined): void {
    if (counted === undefined) return;
    this.#state = { ...this.#state, seen: this.#state.seen + 1, [counted]: this.#state[counted] + 1 };
  }

  async #note(position: Position): Promise<void> {
    this.#state = { ...this.#state, position };
    await this.#save(this.#state);
  }
}

/**
 * The operation that decides again, by today's settings, about what was skipped in a mailbox and about what was never
 * seen, such as old mail that was moved in. It keeps no cursor of the cycles: where it is it notes in itself, after each
 * window, so that after a crash it goes on there.
 */
export const runReprocess = (
  deps: ReprocessDependencies,
  organizationId: string,
  operation: Operation,
  delivery: InMailboxDelivery,
): Promise<LaneVerdict> => {
  const { from, folderId } = reprocessInputSchema.parse(operation.input);
  const mailboxId = operation.subject.id;
  const end = async (outcome: Parameters<typeof finishOperation>[3]): Promise<LaneVerdict> => {
    await finishOperation(deps, organizationId, operation.id, outcome);
    return { done: true };
  };
  return runInMailbox(deps, organizationId, operation, mailboxId, delivery, async (visit) => {
    const { organization, mailbox, session } = visit;
    const { sentItems } = organization.settings.tracking;
    const folders = chooseFolders(await session.listFolders(), folderId, sentItems);
    if (folders.length === 0)
      return end({
        status: 'failed',
        fault: createFault('invalidState', {
          detail: `The mailbox has no folder ${folderId ?? 'INBOX'}`,
          fix: 'Name a folder that the mailbox lists',
        }),
      });
    let cancelled = false;
    const state = stateSchema.parse({ ...none, ...operation.result });
    const run: TrackingRun = { ...createTrackingContext(deps, organization, mailbox, new Date(from)), session };
    const reprocessing = new Reprocessing(visit, run, new Date(from), state, {
      mayGoOn: () => !cancelled && deps.now().getTime() < visit.deadline,
      save: async (reached) => {
        const { seen } = reached;
        const progress = { done: seen, total: Math.max(1, seen) };
        cancelled = isFinished(await reportProgress(deps, organizationId, operation.id, progress, reached));
      },
    });
    const isRead = await reprocessing.read(folders);
    const { position: _, ...counts } = reprocessing.state;
    if (isRead || cancelled) return end({ status: 'succeeded', result: counts });
    // A fresh message lets whatever else waits for the mailbox go first.
    const occasion = String(deps.now().getTime());
    const message = operationMessage(organizationId, mailboxId, operation.id, occasion);
    await deps.queues.send('operations', mailboxId, `${operation.id}.${occasion}`, message);
    return { done: true };
  });
};
