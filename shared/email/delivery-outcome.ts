import type { Settings } from '../organization/settings.ts';
import { normalizeAddress } from '../platform/address.ts';
import { createFault, type Fault } from '../platform/fault.ts';
import type { Email, Party } from './email.ts';
import type { OutboxEntry } from './outbox.ts';

/** What one attempt found out about a recipient. */
export interface RecipientOutcome {
  readonly result: 'accepted' | 'rejected' | 'deferred' | 'unconfirmed';
  readonly fault?: Fault | undefined;
  readonly answer?: string | undefined;
}

export interface Attempt {
  /** By the address as addresses are compared. A recipient that is not named keeps what it had. */
  readonly outcomes: ReadonlyMap<string, RecipientOutcome>;
  readonly outgoing: Pick<Settings['outgoing'], 'retry' | 'onUnconfirmed' | 'saveToSentItems'>;
  readonly now: Date;
}

export interface Delivered {
  readonly email: Email;
  /** Undefined: nothing of this Send waits any more. */
  readonly entry: OutboxEntry | undefined;
}

const eventLimit = 50;

export const recipientsOf = (email: Email): readonly Party[] => [...email.to, ...email.cc, ...email.bcc];

/** The addresses that mail has yet to be handed out to. */
export const pendingRecipientsOf = (email: Email, entry: OutboxEntry): readonly Party[] => {
  const pending = entry.pendingRecipients === undefined ? undefined : new Set(entry.pendingRecipients);
  const seen = new Set<string>();
  return recipientsOf(email).filter(({ address }) => {
    const normalized = normalizeAddress(address);
    if (seen.has(normalized) || pending?.has(normalized) === false) return false;
    seen.add(normalized);
    return true;
  });
};

/** A note in the delivery's own history; the oldest ones go. */
export const withEvent = (
  delivery: NonNullable<Email['delivery']>,
  now: Date,
  event: string,
  detail: string,
): NonNullable<Email['delivery']> => ({
  ...delivery,
  events: [...delivery.events, { at: now.toISOString(), event, detail }].slice(-eventLimit),
});

const mapRecipients = (email: Email, change: (party: Party) => Party): Pick<Email, 'to' | 'cc' | 'bcc'> => ({
  to: email.to.map(change),
  cc: email.cc.map(change),
  bcc: email.bcc.map(change),
});

/** All answers of one email together; the email is one item of the table, which holds 400 KB. */
const answerCharactersPerEmail = 40_000;

/** The server accepted it for this recipient, whatever came back since. */
export const wasAccepted = ({ result }: Party): boolean =>
  result === 'accepted' || result === 'bounced' || result === 'read';

const judged = (party: Party, outcome: RecipientOutcome, answerCharacters: number): Party => {
  // A report was quicker than the note of the answer that came before it.
  if (party.result === 'bounced' || party.result === 'read') return party;
  const { result: _result, code: _code, answer: _answer, ...known } = party;
  return {
    ...known,
    result: outcome.result,
    ...(outcome.fault === undefined ? {} : { code: outcome.fault.code }),
    ...(outcome.answer === undefined ? {} : { answer: outcome.answer.slice(0, answerCharacters).toWellFormed() }),
  };
};

/** The first fault, those that concern the whole email first. */
const mainFault = (outcomes: readonly RecipientOutcome[]): Fault | null => {
  const faults = outcomes.flatMap(({ fault }) => (fault === undefined ? [] : [fault]));
  const general = faults.find(({ code }) => code !== 'recipientRejected' && code !== 'sandboxBlocked');
  return general ?? faults[0] ?? null;
};

/** Runs out of patience: what was only put off counts as refused, what may be sent again is put off. */
const settleOutcome = (
  outcome: RecipientOutcome,
  mayTryAgain: boolean,
  onUnconfirmed: Settings['outgoing']['onUnconfirmed'],
): RecipientOutcome => {
  if (outcome.result === 'deferred' && !mayTryAgain) return { ...outcome, result: 'rejected' };
  if (outcome.result === 'unconfirmed' && mayTryAgain && onUnconfirmed === 'resend')
    return { ...outcome, result: 'deferred' };
  return outcome;
};

/**
 * What an attempt makes of an email and its outbox entry. Pure.
 *
 * One unconfirmed recipient makes the email unconfirmed: a person decides. Else, while a recipient is put off and
 * attempts are left, it is pendingSend again for those alone. Else it is sent when any recipient ever accepted it, and
 * failed when none did.
 */
export const concludeAttempt = (email: Email, entry: OutboxEntry, attempt: Attempt): Delivered => {
  const { outgoing, now } = attempt;
  const mayTryAgain = entry.attempts < outgoing.retry.attempts;
  const outcomes = new Map(
    [...attempt.outcomes].map(([address, outcome]) => [
      address,
      settleOutcome(outcome, mayTryAgain, outgoing.onUnconfirmed),
    ]),
  );
  const answerCharacters = Math.floor(answerCharactersPerEmail / Math.max(1, recipientsOf(email).length));
  const parties = mapRecipients(email, (party) => {
    const outcome = outcomes.get(normalizeAddress(party.address));
    return outcome === undefined ? party : judged(party, outcome, answerCharacters);
  });
  const next: Email = { ...email, ...parties };
  const delivery = email.delivery ?? {
    attempts: entry.attempts,
    lastAttemptAt: null,
    nextAttemptAt: null,
    fault: null,
    events: [],
    sentCopy: 'none' as const,
  };
  const settled = { ...delivery, nextAttemptAt: null };
  const results = recipientsOf(next).map(({ result }) => result);
  const fault = mainFault([...outcomes.values()]);

  if (results.includes('unconfirmed')) {
    const unconfirmed = createFault('deliveryUnconfirmed');
    return {
      email: {
        ...next,
        status: 'unconfirmed',
        delivery: withEvent({ ...settled, fault: unconfirmed }, now, 'unconfirmed', unconfirmed.cause),
      },
      entry: undefined,
    };
  }
  if (results.includes('deferred')) {
    const notBefore = now.getTime() + outgoing.retry.seconds * 1000;
    const nextAttemptAt = new Date(notBefore).toISOString();
    const { claim: _claim, handedAt: _handedAt, ...unclaimed } = entry;
    return {
      email: {
        ...next,
        status: 'pendingSend',
        delivery: withEvent({ ...delivery, nextAttemptAt, fault }, now, 'deferred', fault?.detail ?? 'Put off'),
      },
      entry: {
        ...unclaimed,
        state: 'waiting',
        notBefore,
        pendingRecipients: [
          ...new Set(
            recipientsOf(next)
              .filter(({ result }) => result === 'deferred')
              .map(({ address }) => normalizeAddress(address)),
          ),
        ],
      },
    };
  }
  if (!recipientsOf(next).some(wasAccepted))
    return {
      email: {
        ...next,
        status: 'failed',
        delivery: withEvent({ ...settled, fault }, now, 'failed', fault?.detail ?? 'No recipient accepted it'),
      },
      entry: undefined,
    };
  const copy = outgoing.saveToSentItems;
  return {
    email: {
      ...next,
      status: 'sent',
      sentAt: now.toISOString(),
      delivery: withEvent(
        { ...settled, fault: null, sentCopy: copy ? 'pending' : 'none' },
        now,
        'sent',
        'The server accepted the message',
      ),
    },
    entry: copy ? { ...entry, state: 'copying', notBefore: 0, copyAttempts: 0 } : undefined,
  };
};
