import type { WorkloadOutcome, WorkloadRun, WorkloadRunner } from '../cycle/workload.ts';
import type { ConnectionGate } from '../throttle/connection-gate.ts';
import type { Dialler } from '../transport/connection.ts';
import { openSmtpSession } from '../transport/smtp/open-smtp-session.ts';
import type { SmtpSession } from '../transport/smtp/smtp-session.ts';
import { TransportError } from '../transport/transport-error.ts';
import { type AttemptEnd, attemptSend } from './attempt-send.ts';
import { fileSentCopies, type SentCopyDependencies } from './file-sent-copies.ts';
import type { QueuedSend } from './outbox.ts';
import { readOutbox } from './read-outbox.ts';
import { recoverHanding } from './recover-handing.ts';
import type { SendQuotas } from './send-quota-table.ts';

export interface OutgoingDependencies extends SentCopyDependencies {
  readonly dialler: Dialler;
  readonly gate: ConnectionGate;
  readonly sendQuotas: SendQuotas;
  readonly now: () => Date;
  /** Told of recipients whose delivery could not be decided. */
  readonly onUnconfirmed?: (recipients: number) => void;
}

/** A slice ends after so many emails or so long, so that others get at the server in between. */
const emailsPerSlice = 50;
const sliceMilliseconds = 30_000;
/** With more than so many due a mailbox leaves some of what its profile may send to others. */
const emailsOfOne = 10;
/** An email that is on its way may go on for this long after the run should take no new one. */
const lastWordMilliseconds = 6_000;
/** One email may make a server hang up; a server that does it again and again is the trouble itself. */
const lossesPerRun = 3;

/** The connection of one run: opened when it is first needed, and again after it was lost. */
class RunSession {
  readonly #run: WorkloadRun;
  readonly #dialler: Dialler;
  #session: SmtpSession | undefined;

  constructor(run: WorkloadRun, dialler: Dialler) {
    this.#run = run;
    this.#dialler = dialler;
  }

  async open(): Promise<SmtpSession> {
    const { outgoing, caCertificates, timeoutSeconds } = this.#run.serverProfile;
    this.#session ??= await openSmtpSession(
      { ...outgoing, caCertificates, timeoutSeconds },
      this.#run.credentials,
      this.#dialler,
      { deadline: this.#run.deadline + lastWordMilliseconds },
    );
    return this.#session;
  }

  async close(): Promise<void> {
    const session = this.#session;
    this.#session = undefined;
    await session?.close();
  }
}

class OutgoingRun {
  readonly #deps: OutgoingDependencies;
  readonly #run: WorkloadRun;
  readonly #session: RunSession;
  readonly #until: number;
  readonly #most: number;
  readonly #counts = { seen: 0, tracked: 0, skipped: 0, failed: 0 };
  #losses = 0;
  /** The profile may send nothing before this. */
  #limitedUntil: number | undefined;
  #ofMany = false;

  constructor(deps: OutgoingDependencies, run: WorkloadRun) {
    this.#deps = deps;
    this.#run = run;
    this.#session = new RunSession(run, deps.dialler);
    const { maxMessages, maxSeconds } = run.organization.settings.limits.cycle;
    this.#most = Math.min(emailsPerSlice, maxMessages);
    this.#until = Math.min(run.deadline, run.now().getTime() + Math.min(sliceMilliseconds, maxSeconds * 1000));
  }

  async complete(): Promise<WorkloadOutcome> {
    const { organization, mailbox } = this.#run;
    const read = (limit: number) =>
      readOutbox(this.#deps.store.table, organization.id, mailbox.id, this.#run.now(), limit);
    const { due } = await read(this.#most);
    this.#ofMany = due.length > emailsOfOne;
    for (const queued of due) if (queued.entry.state === 'handing') await this.#recover(queued);
    // Before a connection is opened only to learn that nothing may go out over it.
    if (due.some(({ entry }) => entry.state === 'waiting'))
      this.#limitedUntil = await this.#deps.sendQuotas.look(this.#permitRequest());

    let trouble: TransportError | undefined;
    try {
      // A probe asks whether the server is well again, even when nothing is due.
      if (this.#run.cycle.probing === true) await this.#session.open();
      for (const queued of due) {
        if (queued.entry.state !== 'waiting') continue;
        if (this.#limitedUntil !== undefined || this.#run.now().getTime() >= this.#until) break;
        await this.#send(queued);
      }
    } catch (error) {
      if (!(error instanceof TransportError)) throw error;
      trouble = error;
    } finally {
      await this.#session.close();
    }

    const copies = (await read(emailsPerSlice)).due.filter(({ entry }) => entry.state === 'copying');
    await fileSentCopies(this.#deps, this.#run, copies);
    // Only now: what was sent before the trouble has its copies all the same.
    if (trouble !== undefined) throw trouble;
    const rest = await read(1);
    if (this.#limitedUntil !== undefined)
      return {
        counts: this.#counts,
        more: false,
        backlog: rest.waiting,
        nextDue: Math.min(this.#limitedUntil, rest.nextDue ?? this.#limitedUntil),
        waitsFor: 'quotaReached',
      };
    return {
      counts: this.#counts,
      more: rest.due.length > 0,
      backlog: rest.waiting,
      nextDue: rest.due.length > 0 ? this.#run.now().getTime() : rest.nextDue,
    };
  }

  #permitRequest() {
    const { organization, serverProfile, now } = this.#run;
    return { organizationId: organization.id, serverProfile, now: now().getTime(), ofMany: this.#ofMany };
  }

  async #recover(queued: QueuedSend): Promise<void> {
    const unconfirmed = await recoverHanding(this.#deps.store, this.#run, queued);
    if (unconfirmed > 0) this.#deps.onUnconfirmed?.(unconfirmed);
  }

  async #send(queued: QueuedSend): Promise<void> {
    for (;;) {
      const end = await attemptSend(
        {
          ...this.#deps,
          session: () => this.#session.open(),
          permit: () => this.#deps.sendQuotas.take(this.#permitRequest()),
        },
        this.#run,
        queued,
      );
      if (end.kind === 'gone') return;
      if (end.kind === 'limited') {
        this.#limitedUntil = end.until;
        return;
      }
      if (end.kind === 'concluded') {
        this.#count(end);
        if (end.trouble !== undefined) await this.#lose(end.trouble);
        return;
      }
      // The server had hung up in between: the same email again, over a new connection.
      await this.#lose(end.trouble);
    }
  }

  /** Makes ready for a new connection, unless the server asked to come back later or hangs up again and again. */
  async #lose(trouble: TransportError): Promise<void> {
    await this.#session.close();
    this.#losses += 1;
    if (trouble.class === 'throttled' || this.#losses >= lossesPerRun) throw trouble;
  }

  #count(end: Extract<AttemptEnd, { kind: 'concluded' }>): void {
    this.#counts.seen += 1;
    if (end.email?.status === 'sent') this.#counts.tracked += 1;
    else if (end.email?.status === 'pendingSend') this.#counts.skipped += 1;
    else this.#counts.failed += 1;
    if (end.unconfirmed > 0) this.#deps.onUnconfirmed?.(end.unconfirmed);
  }
}

/** The outgoing lane's work: sends what is due in a mailbox's outbox, one slice a run, and files the Sent copies. */
export const createOutgoingRunner = (deps: OutgoingDependencies): WorkloadRunner => ({
  look: async (organizationId, mailboxId, now) => {
    const { due, nextDue } = await readOutbox(deps.store.table, organizationId, mailboxId, now, 1);
    return { due: due.length > 0, nextDue };
  },
  run: (run) => new OutgoingRun(deps, run).complete(),
});
