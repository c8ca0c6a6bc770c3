import type { Settings } from '../organization/settings.ts';
import type { Filtering } from '../owner/owner.ts';
import type { FaultCode } from '../platform/fault-catalogue.ts';
import type { AddressEntry } from '../record/address-entry.ts';
import { fail, notApplicable, pass, type StepOutcome } from './decision-steps.ts';
import type { CorrelationMethod } from './find-correlated-email.ts';
import type { RecipientOwner } from './recipient-owners.ts';
import type { TrackingOwner } from './tracking-owner.ts';

export interface FilteringFacts {
  /** The owners that the message reached. */
  readonly owners: readonly RecipientOwner[];
  readonly mailboxOwnerId: string | null;
  /** How the message answers a tracked email, if it does. */
  readonly correlationMethod: CorrelationMethod | undefined;
  /** The records of those whom the owner corresponds with: the sender, or the recipients of sent mail. */
  readonly counterparts: readonly AddressEntry[];
  /** Several records claim the sender and the organization leaves such senders unresolved. */
  readonly ambiguous: boolean;
}

export interface Acceptance {
  readonly accepting: readonly RecipientOwner[];
  readonly outcome: StepOutcome;
}

const words: Readonly<Record<Filtering, string>> = {
  all: 'all mail',
  responses: 'responses only',
  knownSenders: 'mail with contacts, accounts and leads only',
  emailEnabledRecords: 'mail with records only',
  none: 'no mail',
};

const codes: Readonly<Record<Exclude<Filtering, 'all'>, FaultCode>> = {
  responses: 'filteredResponses',
  knownSenders: 'filteredKnownSenders',
  emailEnabledRecords: 'filteredEmailEnabled',
  none: 'filteredNone',
};

const knownTypes: ReadonlySet<string> = new Set(['contact', 'account', 'lead']);

/** Why the owner's method takes the message; undefined when it does not. */
const reasonToAccept = (filtering: Filtering, facts: FilteringFacts, responsesAlways: boolean): string | undefined => {
  const answer = facts.correlationMethod === undefined ? undefined : `correlation match ${facts.correlationMethod}`;
  const known = facts.counterparts.find(({ type }) => knownTypes.has(type));
  const [any] = facts.counterparts;
  switch (filtering) {
    case 'none':
      return undefined;
    case 'all':
      return 'every message counts';
    case 'responses':
      return answer;
    case 'knownSenders':
      return known === undefined ? (responsesAlways ? answer : undefined) : `${known.displayName} is a ${known.type}`;
    case 'emailEnabledRecords':
      return any === undefined ? (responsesAlways ? answer : undefined) : `${any.displayName} is a ${any.type}`;
  }
};

const codeOf = (filtering: Filtering, ambiguous: boolean): FaultCode => {
  if (ambiguous && (filtering === 'knownSenders' || filtering === 'emailEnabledRecords')) return 'ambiguousSender';
  return filtering === 'all' ? 'noRecipientMatch' : codes[filtering];
};

const describe = (owner: TrackingOwner): string => `${owner.name} tracks ${words[owner.filtering]}`;

/**
 * Whether anyone whom the message reached wants it: the methods of all recipients count, not only that of the mailbox
 * which is read, unless the organization restricts it to that one.
 */
export const filterMessage = (facts: FilteringFacts, settings: Settings['tracking']): Acceptance => {
  const asked = settings.onlySynchronizingMailboxDecides
    ? facts.owners.filter(({ owner }) => owner.id === facts.mailboxOwnerId)
    : facts.owners;
  const verdicts = asked.map((recipient) => ({
    recipient,
    reason: reasonToAccept(recipient.owner.filtering, facts, settings.responsesAlways),
  }));
  const accepting = verdicts.filter(({ reason }) => reason !== undefined);
  // The owner of the mailbox that is read goes first, be it as who accepted or as who refused.
  const first = [...(accepting.length > 0 ? accepting : verdicts)].sort(
    (one, other) =>
      Number(other.recipient.owner.id === facts.mailboxOwnerId) -
      Number(one.recipient.owner.id === facts.mailboxOwnerId),
  );
  const [leading] = first;
  if (leading === undefined)
    return { accepting: [], outcome: fail('filtering', 'noRecipientMatch', 'nobody is there to decide') };
  const { owner } = leading.recipient;
  const inputs = {
    filtering: owner.filtering,
    responsesAlways: settings.responsesAlways,
    onlySynchronizingMailboxDecides: settings.onlySynchronizingMailboxDecides,
  };
  if (leading.reason !== undefined)
    return {
      accepting: first.map(({ recipient }) => recipient),
      outcome: pass('filtering', `${describe(owner)}: ${leading.reason}`, inputs),
    };
  return {
    accepting: [],
    outcome: fail(
      'filtering',
      codeOf(owner.filtering, facts.ambiguous),
      first.map(({ recipient }) => describe(recipient.owner)).join('; '),
      inputs,
    ),
  };
};

/** Mail that somebody asked for passes every method. It is accepted for the mailbox that it was asked for in. */
export const acceptManually = ({ owners, mailboxOwnerId }: FilteringFacts): Acceptance => {
  const own = owners.filter(({ owner }) => owner.id === mailboxOwnerId);
  return {
    accepting: own.length > 0 ? own : owners.slice(0, 1),
    outcome: notApplicable('filtering', 'somebody asked for this message, so no method is asked'),
  };
};
