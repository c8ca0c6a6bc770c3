import { createByteGate } from '../platform/byte-gate.ts';
import { forEachParallel } from '../platform/for-each-parallel.ts';
import { ParallelWork } from '../platform/parallel-work.ts';
import type { Tracked } from './build-email.ts';
import { type DecisionFacts, decideMessage, endEarly, type Verdict } from './decide-message.ts';
import type { StepOutcome } from './decision-steps.ts';
import { takeEarlySteps } from './early-steps.ts';
import { answeredIdentifiers } from './find-correlated-email.ts';
import { gatherFacts } from './gather-facts.ts';
import { ItemError, isRefusedItem, ofItem } from './item-error.ts';
import { identityOf, type MailboxMessage } from './mailbox-message.ts';
import { fetchListed, type MissingMessages } from './missing-messages.ts';
import { noteVerdict } from './note-verdict.ts';
import { readReports } from './read-reports.ts';
import { setAsideMessage } from './set-aside-message.ts';
import { storeTrackedMessage } from './store-tracked-message.ts';
import type { MessageResult, TrackingRun } from './tracking-run.ts';

const decisionsAtOnce = 25;
const storesAtOnce = 16;
/** Up to this size messages are read together, in one answer of the server. */
const smallMessageBytes = 512 * 1024;
const groupBytes = 8 * 1024 * 1024;
/** Of all large messages in this process, whatever mailbox they come from. */
const largeMessages = createByteGate(96 * 1024 * 1024);
const slackBytes = 64 * 1024;

interface Accepted {
  readonly message: MailboxMessage;
  readonly facts: DecisionFacts;
  readonly verdict: Tracked;
  readonly earlySteps: readonly StepOutcome[];
}

export interface WindowOutcome {
  /** By UID; what is missing was not done with. */
  readonly results: ReadonlyMap<number, MessageResult>;
  /** Accepted messages that the server lists but does not send. */
  readonly withheld: ReadonlySet<number>;
}

/**
 * Messages of which none answers, or is, another one among them that is still to be stored: those wait for the next
 * round, when they can be correlated.
 */
const takeRound = (
  run: TrackingRun,
  pending: readonly MailboxMessage[],
): { readonly now: readonly MailboxMessage[]; readonly later: readonly MailboxMessage[] } => {
  const settings = run.organization.settings.correlation;
  const open = new Set<string>();
  const now: MailboxMessage[] = [];
  const later: MailboxMessage[] = [];
  for (const message of pending) {
    const { messageId } = message.headers;
    const waits =
      (messageId !== null && open.has(messageId)) ||
      answeredIdentifiers(message.headers, settings).some((identifier) => open.has(identifier));
    (waits ? later : now).push(message);
    if (messageId !== null) open.add(messageId);
  }
  return { now, later };
};

/** Cuts accepted messages into groups that are read in one answer each; large ones go alone. */
const groupBySize = (accepted: readonly Accepted[]): readonly (readonly Accepted[])[] => {
  const groups: Accepted[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const one of accepted) {
    const { sizeBytes } = one.message;
    if (sizeBytes > smallMessageBytes) continue;
    if (bytes + sizeBytes > groupBytes) {
      groups.push([]);
      bytes = 0;
    }
    groups.at(-1)?.push(one);
    bytes += sizeBytes;
  }
  return [...groups, ...accepted.filter(({ message }) => message.sizeBytes > smallMessageBytes).map((one) => [one])];
};

/** Tracks a window of messages of one folder, in parallel as far as they do not depend on each other. */
export const trackWindow = async (
  run: TrackingRun,
  messages: readonly MailboxMessage[],
  mayGoOn: () => boolean,
): Promise<WindowOutcome> => {
  const { messages: readable, withheld } = await readReports(run, messages, mayGoOn);
  const tracker = new WindowTracker(run, mayGoOn, withheld);
  await tracker.lookUp(messages);
  for (let pending = readable; pending.length > 0 && mayGoOn(); ) {
    const { now, later } = takeRound(run, pending);
    await tracker.trackRound(now);
    pending = later;
  }
  return tracker;
};

class WindowTracker implements WindowOutcome {
  readonly results = new Map<number, MessageResult>();
  readonly withheld: Set<number>;
  readonly #run: TrackingRun;
  readonly #mayGoOn: () => boolean;
  #known: ReadonlyMap<string, string> = new Map();
  /** Identities that an earlier round may have stored since they were looked up. */
  readonly #passed = new Set<string>();
  readonly #broken: { readonly message: MailboxMessage; readonly reason: string }[] = [];

  constructor(run: TrackingRun, mayGoOn: () => boolean, withheld: ReadonlySet<number>) {
    this.withheld = new Set(withheld);
    this.#run = run;
    this.#mayGoOn = mayGoOn;
  }

  async lookUp(messages: readonly MailboxMessage[]): Promise<void> {
    const [first] = messages;
    const identities = [...new Set(messages.flatMap(({ headers }) => identityOf(headers) ?? []))];
    if (first !== undefined) this.#known = await this.#run.lookups.trackedEmails(first.direction, identities);
  }

  async trackRound(messages: readonly MailboxMessage[]): Promise<void> {
    await this.#trackMessages(messages);
    for (const { headers } of messages) {
      const identity = identityOf(headers);
      if (identity !== undefined) this.#passed.add(identity);
    }
    await this.#setAsideBroken();
  }

  async #trackMessages(messages: readonly MailboxMessage[]): Promise<void> {
    const accepted = new Map<number, Accepted>();
    await forEachParallel(messages, decisionsAtOnce, (message) =>
      this.#guard(message, async () => {
        const facts = await this.#decide(message);
        if (facts !== undefined) accepted.set(message.uid, facts);
      }),
    );
    const inOrder = messages.flatMap(({ uid }) => accepted.get(uid) ?? []);
    for (const group of groupBySize(inOrder)) {
      if (!this.#mayGoOn()) break;
      const [only] = group;
      if (only !== undefined && only.message.sizeBytes > smallMessageBytes) await this.#trackLarge(only);
      else await this.#trackSmall(group);
    }
  }

  /** Decides by the header; what is not accepted is noted at once. */
  async #decide(message: MailboxMessage): Promise<Accepted | undefined> {
    const run = this.#run;
    const { settings } = run.organization;
    const earlySteps = ofItem(() => takeEarlySteps(message, run.processFrom, settings.tracking));
    const early = endEarly(earlySteps);
    if (early !== undefined) {
      await this.#note(message, early);
      return undefined;
    }
    const facts = await gatherFacts(run, message, await this.#trackedEmail(message));
    const verdict = ofItem(() => decideMessage(facts, earlySteps));
    if (verdict.outcome === 'tracked' && run.mailbox.workloads.incoming.mode === 'active')
      return { message, facts, verdict, earlySteps };
    await this.#note(message, verdict);
    return undefined;
  }

  async #trackedEmail({ headers, direction }: MailboxMessage): Promise<string | undefined> {
    const identity = identityOf(headers);
    if (identity === undefined) return undefined;
    return this.#passed.has(identity) ? this.#run.lookups.trackedEmail(direction, identity) : this.#known.get(identity);
  }

  /** Stores messages while further ones of the same answer are still coming. */
  async #trackSmall(group: readonly Accepted[]): Promise<void> {
    const [first] = group;
    if (first === undefined) return;
    const { session } = this.#run;
    const { folder } = first.message;
    const accepted = new Map(group.map((one) => [one.message.uid, one]));
    const stores = new ParallelWork(storesAtOnce);
    const fetch = async (uids: readonly number[]): Promise<readonly number[]> => {
      const missing = new Set(uids);
      await session.fetchMessages(folder, uids, (uid, content) => {
        const one = accepted.get(uid);
        if (one === undefined) return;
        missing.delete(uid);
        stores.add(() => this.#guard(one.message, () => this.#store(one, content)));
      });
      return [...missing];
    };
    try {
      this.#noteMissing(await fetchListed(session, folder, [...accepted.keys()], fetch));
    } finally {
      await stores.end();
    }
  }

  async #trackLarge(accepted: Accepted): Promise<void> {
    const { session, organization } = this.#run;
    const { folder, uid, sizeBytes } = accepted.message;
    const limit = organization.settings.tracking.maxMessageBytes + slackBytes;
    const fetch = async (): Promise<readonly number[]> => {
      // The raw bytes and, at worst, one file of nearly the same size.
      const isSent = await largeMessages.pass(sizeBytes * 2, async () => {
        const content = await session.fetchMessage(folder, uid, sizeBytes, limit);
        if (content !== undefined) await this.#guard(accepted.message, () => this.#store(accepted, content));
        return content !== undefined;
      });
      return isSent ? [] : [uid];
    };
    this.#noteMissing(await fetchListed(session, folder, [uid], fetch));
  }

  #noteMissing({ gone, withheld }: MissingMessages): void {
    for (const uid of gone) this.results.set(uid, 'gone');
    for (const uid of withheld) this.withheld.add(uid);
  }

  async #store({ message, facts, verdict, earlySteps }: Accepted, raw: Buffer): Promise<void> {
    const final = await storeTrackedMessage(this.#run, { facts, verdict }, earlySteps, raw);
    if (final.outcome === 'tracked') this.results.set(message.uid, 'tracked');
    else await this.#note(message, final);
  }

  async #note(message: MailboxMessage, verdict: Verdict): Promise<void> {
    this.results.set(message.uid, await noteVerdict(this.#run, message, verdict));
  }

  /** An error in the message itself sets it aside; every other one ends the run. */
  async #guard(message: MailboxMessage, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (error instanceof ItemError || isRefusedItem(error)) this.#broken.push({ message, reason: reasonOf(error) });
      else throw error;
    }
  }

  /** After the others, since the session answers one call at a time. */
  async #setAsideBroken(): Promise<void> {
    for (const { message, reason } of this.#broken.splice(0)) {
      await setAsideMessage(this.#run, message, reason, 1);
      this.results.set(message.uid, 'setAside');
    }
  }
}

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
