import type { Settings } from '../organization/settings.ts';
import type { AddressEntry } from './address-entry.ts';

export type ResolutionSettings = Settings['resolution'];

export const resolutionReasons = [
  'noMatch',
  'onlyMatch',
  'ownedByMailboxOwner',
  'rank',
  'allMatches',
  'tooManyMatches',
  'ambiguous',
  'allInactive',
] as const;
/** Why a candidate was chosen, or none. */
export type ResolutionReason = (typeof resolutionReasons)[number];

export interface RankingContext {
  readonly settings: ResolutionSettings;
  /** The user or team whose records go first: the mailbox's user, or who owns its queue. */
  readonly mailboxOwnerId?: string | null | undefined;
  /** resolutionRank of the CRM's own types. */
  readonly ownTypeRanks: ReadonlyMap<string, number>;
}

export interface SenderChoice {
  readonly chosen: AddressEntry | undefined;
  readonly reason: ResolutionReason;
}

export interface RecipientChoice {
  readonly chosen: readonly AddressEntry[];
  readonly reason: ResolutionReason;
}

const typeOrder = ['user', 'contact', 'account', 'lead', 'equipment', 'team', 'businessUnit', 'queue'];

const rankOf = (entry: AddressEntry, context: RankingContext): readonly (number | string)[] => {
  const place = typeOrder.indexOf(entry.type);
  return [
    isOwned(entry, context) ? 0 : 1,
    place === -1 ? typeOrder.length : place,
    context.ownTypeRanks.get(entry.type) ?? Number.MAX_SAFE_INTEGER,
    // The older record is the more likely original of duplicates.
    entry.createdAt,
    entry.id,
  ];
};

const isOwned = (entry: AddressEntry, context: RankingContext): boolean =>
  context.mailboxOwnerId != null && entry.ownerId === context.mailboxOwnerId;

const compareRanks = (one: readonly (number | string)[], other: readonly (number | string)[]): number => {
  for (const [index, left] of one.entries()) {
    const right = other[index];
    if (right !== undefined && left !== right) return left < right ? -1 : 1;
  }
  return 0;
};

/** The candidates that take part in email, best first. */
export const rankCandidates = (entries: readonly AddressEntry[], context: RankingContext): readonly AddressEntry[] =>
  entries
    .filter((entry) => entry.emailEnabled)
    .map((entry) => ({ entry, rank: rankOf(entry, context) }))
    .sort((one, other) => compareRanks(one.rank, other.rank))
    .map(({ entry }) => entry);

// A lone match counts whatever its state; among several, inactive ones only where the organization says so.
const usableOf = (ranked: readonly AddressEntry[], settings: ResolutionSettings): readonly AddressEntry[] =>
  ranked.length === 1 || settings.inactiveRecords ? ranked : ranked.filter(({ status }) => status === 'active');

/** The one record that a sender's address stands for. `ranked`: by rankCandidates, at least cap + 1 of them if so many. */
export const chooseSender = (ranked: readonly AddressEntry[], context: RankingContext): SenderChoice => {
  const { settings } = context;
  if (ranked.length === 0) return { chosen: undefined, reason: 'noMatch' };
  if (ranked.length > settings.senderMatchCap) return { chosen: undefined, reason: 'tooManyMatches' };
  const usable = usableOf(ranked, settings);
  const [best] = usable;
  if (best === undefined) return { chosen: undefined, reason: 'allInactive' };
  if (usable.length === 1) return { chosen: best, reason: 'onlyMatch' };
  if (settings.unresolvedIfAmbiguousSender) return { chosen: undefined, reason: 'ambiguous' };
  return { chosen: best, reason: isOwned(best, context) ? 'ownedByMailboxOwner' : 'rank' };
};

/** All records that a recipient's address stands for, so that a user and a queue with one address both appear. */
export const chooseRecipients = (ranked: readonly AddressEntry[], context: RankingContext): RecipientChoice => {
  const { settings } = context;
  if (ranked.length === 0) return { chosen: [], reason: 'noMatch' };
  if (ranked.length > settings.senderMatchCap) return { chosen: [], reason: 'tooManyMatches' };
  const usable = usableOf(ranked, settings);
  if (usable.length === 0) return { chosen: [], reason: 'allInactive' };
  if (usable.length === 1) return { chosen: usable, reason: 'onlyMatch' };
  if (settings.unresolvedIfAmbiguousRecipient) return { chosen: [], reason: 'ambiguous' };
  return { chosen: usable, reason: 'allMatches' };
};
