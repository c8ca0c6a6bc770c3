import { alertWrites } from '../alert/raise-alert.ts';
import { FenceError } from '../cycle/cycle-store.ts';
import type { WorkloadRun } from '../cycle/workload.ts';
import type { Author, ChangeType } from '../platform/change.ts';
import { createChange } from '../platform/create-change.ts';
import type { EntityStore, WriteAlso } from '../platform/entity-store.ts';
import { FaultError } from '../platform/fault.ts';
import { type RecordWrite, WriteConditionError } from '../platform/records-table.ts';
import { concludeAttempt, type RecipientOutcome } from './delivery-outcome.ts';
import { type Email, emailKind } from './email.ts';
import { type QueuedSend, settleEntry } from './outbox.ts';

const alertRaces = 5;
const persistAttempts = 6;
const persistDelayMilliseconds = 250;

/** The mailbox that sends is who makes the changes of a run. */
export const authorOf = (run: Pick<WorkloadRun, 'mailbox'>): Author => ({
  origin: 'system',
  actor: { type: 'mailbox', id: run.mailbox.id },
});

const changeTypes: Partial<Record<Email['status'], ChangeType>> = {
  sent: 'email.sent',
  failed: 'email.failed',
  unconfirmed: 'email.unconfirmed',
  pendingSend: 'email.pendingSend',
};

/** Who concludes a Send: a run of the lane, or the mail program that delivers in its place. */
export type Concluding = Pick<WorkloadRun, 'organization' | 'mailbox' | 'now'> & {
  /** Absent where no lane files a copy. */
  readonly serverProfile?: WorkloadRun['serverProfile'];
  readonly author?: Author;
  /** What is noted at the email besides. */
  readonly note?: (email: Email) => WriteAlso & { readonly next: Email };
};

/** A failed or unconfirmed Send is told to a person in the same write that makes it so. */
const alertsFor = async (store: EntityStore, run: Concluding, email: Email): Promise<readonly RecordWrite[]> => {
  const fault = email.delivery?.fault;
  if (fault == null || (email.status !== 'failed' && email.status !== 'unconfirmed')) return [];
  return alertWrites(store, {
    organizationId: run.organization.id,
    level: email.status === 'failed' ? 'error' : 'warning',
    scope: 'email',
    fault,
    subject: { type: 'email', id: email.id },
    mailboxId: run.mailbox.id,
    now: run.now(),
  });
};

/** What the server said must not be lost to a hiccup of the store: without it the email would become unconfirmed. */
const persist = async <Result>(write: () => Promise<Result>): Promise<Result> => {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await write();
    } catch (error) {
      const decided = error instanceof WriteConditionError || error instanceof FaultError;
      if (decided || attempt === persistAttempts) throw error;
      await new Promise((resolve) => setTimeout(resolve, persistDelayMilliseconds * 2 ** attempt));
    }
  }
};

/** Takes away an entry whose email is gone or no longer waits to be sent. */
export const forgetEntry = async (store: EntityStore, run: Concluding, queued: QueuedSend): Promise<void> => {
  try {
    await store.table.write([settleEntry(run.organization.id, queued, queued.entry, undefined)]);
  } catch (error) {
    if (!(error instanceof WriteConditionError)) throw error;
  }
};

/**
 * Writes what an attempt found out: the email, its outbox entry, the event and an alert, all or nothing, and only
 * while this run still holds the entry. Undefined when the email is gone.
 *
 * @throws FenceError when another run took the entry
 */
export const concludeSend = async (
  store: EntityStore,
  run: Concluding,
  queued: QueuedSend,
  outcomes: ReadonlyMap<string, RecipientOutcome>,
): Promise<Email | undefined> => {
  const { organization } = run;
  const at = run.now();
  let written: Pick<Email, 'version' | 'updatedAt'> | undefined;
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await persist(() =>
        store.update(
          emailKind,
          organization.id,
          queued.entry.emailId,
          async (current) => {
            // The store had made this very write, and its answer was lost.
            if (current.version === written?.version && current.updatedAt === written.updatedAt) return undefined;
            written = { version: current.version + 1, updatedAt: at.toISOString() };
            const { outgoing: settings } = organization.settings;
            // A maildrop has no folder that a copy could be filed in.
            const saveToSentItems = settings.saveToSentItems && run.serverProfile?.incoming.protocol === 'imap';
            const outgoing = { ...settings, saveToSentItems };
            const concluded = concludeAttempt(current, queued.entry, { outcomes, outgoing, now: at });
            const type = changeTypes[concluded.email.status];
            const noted = run.note?.(concluded.email);
            return {
              next: noted?.next ?? concluded.email,
              changes: type === undefined ? [] : [createChange(type, run.author ?? authorOf(run), at)],
              also: [
                settleEntry(organization.id, queued, queued.entry, concluded.entry),
                ...(await alertsFor(store, run, concluded.email)),
                ...(noted?.also ?? []),
              ],
            };
          },
          { now: () => at },
        ),
      );
    } catch (error) {
      if (error instanceof FaultError && error.fault.code === 'notFound') {
        await forgetEntry(store, run, queued);
        return undefined;
      }
      if (!(error instanceof WriteConditionError)) throw error;
      // The entry is written right after the email; whatever else failed was an alert that changed meanwhile.
      if (error.failures[1] !== undefined) throw new FenceError('Another run has taken this Send');
      if (attempt === alertRaces) throw error;
    }
  }
};

/** Gives an entry back that was claimed and not tried: as if it had never been taken. */
export const releaseSend = async (store: EntityStore, run: WorkloadRun, queued: QueuedSend): Promise<void> => {
  const { claim: _claim, ...entry } = queued.entry;
  const attempts = Math.max(0, entry.attempts - 1);
  await persist(() =>
    store.update(
      emailKind,
      run.organization.id,
      entry.emailId,
      (current) => ({
        next: {
          ...current,
          status: 'pendingSend' as const,
          delivery: current.delivery === null ? null : { ...current.delivery, attempts },
        },
        changes: [createChange('email.pendingSend', authorOf(run), run.now())],
        also: [settleEntry(run.organization.id, queued, queued.entry, { ...entry, state: 'waiting', attempts })],
      }),
      { now: run.now },
    ),
  );
};
