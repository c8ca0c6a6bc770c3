import type { Email } from '../email/email.ts';
import type { Settings } from '../organization/settings.ts';
import type { FaultCode } from '../platform/fault-catalogue.ts';
import type { Reference } from '../platform/values.ts';
import type { AddressEntry } from '../record/address-entry.ts';
import { chooseEmailOwner } from './choose-email-owner.ts';
import type { DecisionStep } from './decision.ts';
import { fail, match, pass, type StepOutcome } from './decision-steps.ts';
import { acceptManually, filterMessage } from './filter-message.ts';
import type { Correlation } from './find-correlated-email.ts';
import { checkInternal } from './internal-mail.ts';
import type { MailboxMessage } from './mailbox-message.ts';
import { nameEntry, type Participants } from './participants.ts';
import { findRecipientOwners, type RecipientOwner } from './recipient-owners.ts';
import type { TrackingOwner } from './tracking-owner.ts';

/** Everything that was looked up for a decision. */
export interface DecisionFacts {
  readonly settings: Settings;
  readonly message: MailboxMessage;
  readonly mailboxOwner: TrackingOwner | undefined;
  readonly participants: Participants;
  /** Users and queues among the participants, by id. */
  readonly knownOwners: ReadonlyMap<string, TrackingOwner>;
  readonly correlation: Correlation;
  /** The outgoing email with the same Message-ID, if the hub sent the message. */
  readonly sentEmail: Pick<Email, 'id'> | undefined;
  /** The email that this message already became. */
  readonly trackedEmailId: string | undefined;
}

export type Verdict =
  | {
      readonly outcome: 'tracked';
      readonly steps: readonly DecisionStep[];
      /** Whose method took the message; null: somebody asked for it, so no method was asked. */
      readonly acceptedBy: TrackingOwner | null;
      readonly accepting: readonly RecipientOwner[];
      readonly owner: Reference | null;
    }
  | { readonly outcome: 'duplicate'; readonly steps: readonly DecisionStep[]; readonly emailId: string }
  | { readonly outcome: 'skipped'; readonly steps: readonly DecisionStep[]; readonly code: FaultCode };

const checkDuplicate = (emailId: string | undefined): StepOutcome =>
  emailId === undefined
    ? pass('dedupe', 'not tracked before')
    : match('dedupe', `already tracked as ${emailId}`, { emailId });

const describeSender = ({ participants, message, settings }: DecisionFacts): StepOutcome => {
  const { sender } = participants;
  if (sender === null) return pass('sender', 'the message names no sender');
  const { chosen, reason, candidates } = sender.resolution;
  const inputs = { address: sender.address.address, candidates: candidates.length, reason };
  if (chosen !== undefined) return match('sender', `${sender.address.address} is ${nameEntry(chosen)}`, inputs);
  if (reason !== 'noMatch')
    return pass('sender', `${sender.address.address} stays unresolved: ${candidates.length} records have it`, inputs);
  const created = settings.autoCreate.enabled && !message.headers.automatic && message.direction === 'incoming';
  return pass(
    'sender',
    created
      ? `${sender.address.address} is unknown; where the owner wants it a ${settings.autoCreate.recordType} is created`
      : `${sender.address.address} is unknown`,
    inputs,
  );
};

const knowsOf = (facts: DecisionFacts): readonly AddressEntry[] => {
  const { participants, message } = facts;
  if (message.direction === 'outgoing') return participants.recipients.flatMap(({ entries }) => entries);
  const chosen = participants.sender?.resolution.chosen;
  return chosen === undefined ? [] : [chosen];
};

/**
 * Whether a message becomes an email, and why. Takes the steps that need look-ups, in the order in which decisions
 * show them; filtering asks what correlation found.
 */
export const decideMessage = (facts: DecisionFacts, earlySteps: readonly StepOutcome[]): Verdict => {
  const { settings, message, participants, mailboxOwner, correlation } = facts;
  const steps: DecisionStep[] = [];
  let ended: FaultCode | undefined;
  const take = (...outcomes: readonly StepOutcome[]): boolean => {
    for (const { step, code } of outcomes) {
      steps.push(step);
      ended ??= code;
    }
    return ended === undefined;
  };
  const skip = (): Verdict => ({ outcome: 'skipped', steps, code: ended ?? 'unreadable' });

  const internal = checkInternal(message, participants, mailboxOwner, facts.sentEmail, settings.internalMail);
  if (!take(...earlySteps, internal)) return skip();
  take(checkDuplicate(facts.trackedEmailId));
  if (facts.trackedEmailId !== undefined) return { outcome: 'duplicate', steps, emailId: facts.trackedEmailId };
  const { owners, outcome: recipients } = findRecipientOwners(message, participants, mailboxOwner, facts.knownOwners);
  if (!take(recipients)) return skip();
  const filteringFacts = {
    owners,
    mailboxOwnerId: mailboxOwner?.id ?? null,
    correlationMethod: correlation.found?.method,
    counterparts: knowsOf(facts),
    ambiguous: participants.sender?.resolution.reason === 'ambiguous',
  };
  const isManual = message.manual !== undefined;
  const { accepting, outcome: filtering } = isManual
    ? acceptManually(filteringFacts)
    : filterMessage(filteringFacts, settings.tracking);
  const [first] = accepting;
  if (!take(filtering, correlation.outcome) || first === undefined) return skip();
  take(describeSender(facts));
  const ownership = chooseEmailOwner(
    owners,
    correlation.found?.email.ownerId ?? null,
    participants.sender?.resolution.chosen?.ownerId ?? null,
  );
  if (!take(ownership.outcome)) return skip();
  return { outcome: 'tracked', steps, acceptedBy: isManual ? null : first.owner, accepting, owner: ownership.owner };
};

/** The verdict of early steps that already ended with a skip; undefined when the message goes on. */
export const endEarly = (earlySteps: readonly StepOutcome[]): Verdict | undefined => {
  const code = earlySteps.find((one) => one.code !== undefined)?.code;
  return code === undefined ? undefined : { outcome: 'skipped', steps: earlySteps.map(({ step }) => step), code };
};

/** What could not be read at all is set aside with this. */
export const unreadableStep = (detail: string): DecisionStep => fail('size', 'unreadable', detail).step;
