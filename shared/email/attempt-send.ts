import { randomUUID } from 'node:crypto';
import { FenceError } from '../cycle/cycle-store.ts';
import type { WorkloadRun } from '../cycle/workload.ts';
import { normalizeAddress } from '../platform/address.ts';
import type { ContentStore } from '../platform/content-store.ts';
import { createChange } from '../platform/create-change.ts';
import type { EntityStore } from '../platform/entity-store.ts';
import { createFault, type Fault, FaultError } from '../platform/fault.ts';
import { WriteConditionError } from '../platform/records-table.ts';
import type { SendReport, SmtpSession } from '../transport/smtp/smtp-session.ts';
import type { TransportError } from '../transport/transport-error.ts';
import { hasInternationalHeader, isEightBit, MissingContentError, storeMessage } from './compose-message.ts';
import { authorOf, concludeSend, forgetEntry, releaseSend } from './conclude-send.ts';
import { pendingRecipientsOf, type RecipientOutcome } from './delivery-outcome.ts';
import { type Email, emailKind } from './email.ts';
import { toEnvelopeAddress } from './envelope-address.ts';
import { claimEntry, markHanding, type QueuedSend } from './outbox.ts';
import { maySendTo } from './sandbox.ts';

export interface AttemptDependencies {
  readonly store: EntityStore;
  readonly content: ContentStore;
  /** The session of this run, opened when it is first asked for. @throws TransportError */
  readonly session: () => Promise<SmtpSession>;
  /** Until when the profile's limits let nothing go out; undefined when this email may, which is counted then. */
  readonly permit: () => Promise<number | undefined>;
}

/** How an attempt ended; `trouble`: the connection is gone. */
export type AttemptEnd =
  /** There was nothing to send any more. */
  | { readonly kind: 'gone' }
  /** The profile has sent as much as it may; the email waits. */
  | { readonly kind: 'limited'; readonly until: number }
  /** The connection failed before this email was spoken of; it stands as it stood. */
  | { readonly kind: 'untouched'; readonly trouble: TransportError }
  | {
      readonly kind: 'concluded';
      readonly email: Email | undefined;
      readonly unconfirmed: number;
      readonly trouble: TransportError | undefined;
    };

/** Faults of AWS concern every email, so they are no email's own: the lane runs again. */
const isPlatformError = (error: unknown): boolean =>
  typeof error === 'object' && error !== null && '$metadata' in error;

const allWith = (
  addresses: readonly string[],
  result: RecipientOutcome['result'],
  fault: Fault,
): Map<string, RecipientOutcome> => new Map(addresses.map((address) => [normalizeAddress(address), { result, fault }]));

/** The recipients that a sandbox may not reach, already judged, and the others. */
const separateBlocked = (run: WorkloadRun, email: Email, queued: QueuedSend) => {
  const addresses = pendingRecipientsOf(email, queued.entry).map(({ address }) => address);
  const allowed = addresses.filter((address) => maySendTo(run.organization, address));
  const blocked = addresses.filter((address) => !allowed.includes(address));
  return { allowed, blocked: allWith(blocked, 'rejected', createFault('sandboxBlocked')) };
};

/**
 * Takes the entry for this run. Undefined when the email was cancelled, deleted or changed meanwhile; what was changed is
 * still due. From here on the email is `sending`, and cancelling is refused.
 *
 * In two writes, since a transaction costs twice. Both hold only for what this run has read, so neither a cancellation
 * nor another run can come between unnoticed; a run that dies between them has taken an attempt and nothing else.
 */
const claim = async (
  deps: AttemptDependencies,
  run: WorkloadRun,
  read: Email,
  queued: QueuedSend,
  stored: Partial<Pick<Email, 'rawKey' | 'sizeBytes'>>,
): Promise<{ readonly email: Email; readonly queued: QueuedSend } | undefined> => {
  const name = randomUUID();
  const attempts = queued.entry.attempts + 1;
  const at = run.now();
  try {
    await deps.store.table.write([claimEntry(queued, name)]);
    const email = await deps.store.update(
      emailKind,
      run.organization.id,
      read.id,
      (current) => {
        if (current.status !== 'pendingSend' && current.status !== 'sending') throw new FaultError('invalidState');
        return {
          next: {
            ...current,
            ...stored,
            status: 'sending' as const,
            delivery:
              current.delivery === null
                ? null
                : { ...current.delivery, attempts, lastAttemptAt: at.toISOString(), nextAttemptAt: null },
          },
          // A run that died after this very write has told it already.
          changes: current.status === 'sending' ? [] : [createChange('email.sending', authorOf(run), at)],
        };
      },
      { now: run.now, ifMatch: read.version },
    );
    return { email, queued: { key: queued.key, entry: { ...queued.entry, claim: name, attempts } } };
  } catch (error) {
    if (error instanceof WriteConditionError || error instanceof FaultError) return undefined;
    throw error;
  }
};

/** Composes the message unless an earlier attempt did. A fault of this email alone is returned, not thrown. */
const prepareMessage = async (
  deps: AttemptDependencies,
  run: WorkloadRun,
  email: Email,
): Promise<Partial<Pick<Email, 'rawKey' | 'sizeBytes'>> | { readonly fault: Fault; readonly lasting: boolean }> => {
  if (email.rawKey !== null) return {};
  try {
    return await storeMessage(deps.content, run.organization.id, email);
  } catch (error) {
    if (isPlatformError(error)) throw error;
    if (error instanceof MissingContentError)
      return { fault: createFault('contentMissing', { detail: error.message }), lasting: true };
    return { fault: createFault('internalError', { detail: 'The message could not be composed' }), lasting: false };
  }
};

/** Where a user sends in another's name, it is that right which the server misses. */
const explain = (email: Email, fault: Fault | undefined): Fault | undefined =>
  email.sender !== null && fault?.code === 'senderRejected'
    ? createFault('sendAsDenied', { detail: fault.detail })
    : fault;

const outcomesOf = (email: Email, report: SendReport): Map<string, RecipientOutcome> =>
  new Map(
    report.recipients.map(({ address, result, fault, answer }) => [
      normalizeAddress(address),
      result === 'untried'
        ? { result: 'deferred', fault: report.trouble?.fault ?? createFault('serverError') }
        : { result, fault: explain(email, fault), answer },
    ]),
  );

const handOver = async (
  deps: AttemptDependencies,
  run: WorkloadRun,
  session: SmtpSession,
  claimed: { readonly email: Email; readonly queued: QueuedSend },
  recipients: readonly string[],
): Promise<SendReport> => {
  const { email, queued } = claimed;
  const rawKey = email.rawKey ?? '';
  return session.send(
    {
      // What cannot be delivered comes back to the mailbox that sent it.
      from: toEnvelopeAddress((email.sender ?? email.from).address),
      recipients: recipients.map(toEnvelopeAddress),
      sizeBytes: email.sizeBytes,
      eightBit: isEightBit(email),
      internationalHeader: hasInternationalHeader(email),
      envelopeId: email.id,
      deliveryReceipt: email.deliveryReceipt,
    },
    {
      onHanding: () => deps.store.table.write([markHanding(queued.key, queued.entry.claim ?? '', run.now())]),
      open: async () => {
        const stream = await deps.content.stream(rawKey);
        if (stream === undefined) throw new MissingContentError('The stored message');
        return stream;
      },
    },
  );
};

/**
 * One attempt at one email. Whatever a crash leaves behind is told apart by the next run: an entry that is still
 * `waiting` was not handed over and is tried again, one that is `handing` may have been.
 *
 * @throws TransportError when no session can be opened (the entry is untouched); FenceError
 */
export const attemptSend = async (
  deps: AttemptDependencies,
  run: WorkloadRun,
  queued: QueuedSend,
): Promise<AttemptEnd> => {
  const email = await deps.store.get(emailKind, run.organization.id, queued.entry.emailId);
  if (email === undefined || (email.status !== 'pendingSend' && email.status !== 'sending')) {
    await forgetEntry(deps.store, run, queued);
    return { kind: 'gone' };
  }
  const { allowed, blocked } = separateBlocked(run, email, queued);
  const poisonous = (await run.careful?.begin(email.id)) === 'setAside';
  const prepared = poisonous || allowed.length === 0 ? {} : await prepareMessage(deps, run, email);
  const refusal = poisonous
    ? { fault: createFault('internalError', { detail: 'Runs ended while this email was sent' }), lasting: true }
    : 'fault' in prepared
      ? prepared
      : undefined;
  const speaks = refusal === undefined && allowed.length > 0;
  // Before the claim: when there is no connection, nothing has happened to the email.
  const session = speaks ? await deps.session() : undefined;
  const limitedUntil = speaks ? await deps.permit() : undefined;
  if (limitedUntil !== undefined) return { kind: 'limited', until: limitedUntil };
  const claimed = await claim(deps, run, email, queued, 'fault' in prepared ? {} : prepared);
  if (claimed === undefined) return { kind: 'gone' };

  const conclude = async (
    outcomes: ReadonlyMap<string, RecipientOutcome>,
    trouble?: TransportError,
  ): Promise<AttemptEnd> => ({
    kind: 'concluded',
    email: await concludeSend(deps.store, run, claimed.queued, new Map([...blocked, ...outcomes])),
    unconfirmed: [...outcomes.values()].filter(({ result }) => result === 'unconfirmed').length,
    trouble,
  });
  if (refusal !== undefined)
    return conclude(allWith(allowed, refusal.lasting ? 'rejected' : 'deferred', refusal.fault));
  if (session === undefined) return conclude(new Map());

  let report: SendReport;
  try {
    report = await handOver(deps, run, session, claimed, allowed);
  } catch (error) {
    if (error instanceof WriteConditionError) throw new FenceError('Another run has taken this Send');
    if (error instanceof MissingContentError)
      return conclude(allWith(allowed, 'rejected', createFault('contentMissing', { detail: error.message })));
    // The end of the message never reached the server, so this is no matter of doubt.
    return conclude(allWith(allowed, 'deferred', createFault('unavailable')));
  }
  const untried = report.recipients.every(({ result }) => result === 'untried');
  if (report.trouble !== undefined && untried && (!report.begun || report.trouble.class === 'throttled')) {
    await releaseSend(deps.store, run, claimed.queued);
    return { kind: 'untouched', trouble: report.trouble };
  }
  return conclude(outcomesOf(email, report), report.trouble);
};
