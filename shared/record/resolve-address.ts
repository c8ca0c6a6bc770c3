import type { Organization } from '../organization/organization.ts';
import { fromItem } from '../platform/entity-store.ts';
import { type RecordsTable, recordKey } from '../platform/records-table.ts';
import type { Reference } from '../platform/values.ts';
import { type AddressEntry, findAddressEntries } from './address-entry.ts';
import {
  chooseRecipients,
  chooseSender,
  type RankingContext,
  type RecipientChoice,
  rankCandidates,
  type SenderChoice,
} from './rank-candidates.ts';
import { isBuiltInRecordType, isEmailEnabled, type RecordType, recordTypeKind } from './record-type.ts';

type ResolvingOrganization = Pick<Organization, 'id' | 'settings'>;

interface Candidates {
  /** Best first; one more than the cap where there are too many. */
  readonly candidates: readonly AddressEntry[];
}

export type SenderResolution = Candidates & SenderChoice;
export type RecipientResolution = Candidates & RecipientChoice;

const ownerTypes = ['user', 'queue', 'team'];

/** The CRM's own types among the entries, as they are now: an entry tells how its type was when it was written. */
const loadOwnTypes = async (
  table: RecordsTable,
  organizationId: string,
  entries: readonly AddressEntry[],
): Promise<ReadonlyMap<string, RecordType>> => {
  const own = new Set(
    entries.map(({ type }) => type).filter((type) => !ownerTypes.includes(type) && !isBuiltInRecordType(type)),
  );
  // A batch read takes 100 keys. So many own types with one address are left out of it as not known.
  const keys = [...own].slice(0, 100).map((type) => recordKey(organizationId, recordTypeKind.kind, type));
  const items = await table.getMany(keys);
  return new Map(items.map((item) => fromItem(recordTypeKind, item)).map((type) => [type.id, type]));
};

const loadCandidates = async (
  table: RecordsTable,
  organization: ResolvingOrganization,
  address: string,
  mailboxOwnerId: string | null | undefined,
): Promise<Candidates & { readonly context: RankingContext }> => {
  const settings = organization.settings.resolution;
  const entries = await findAddressEntries(table, organization.id, address, settings.senderMatchCap + 1);
  const ownTypes = await loadOwnTypes(table, organization.id, entries);
  const ownTypeRanks = new Map(
    [...ownTypes.values()].flatMap(({ id, resolutionRank }) => (resolutionRank === null ? [] : [[id, resolutionRank]])),
  );
  const context = { settings, mailboxOwnerId, ownTypeRanks };
  const current = entries.map((entry) => ({
    ...entry,
    emailEnabled: ownerTypes.includes(entry.type) || isEmailEnabled(entry.type, ownTypes.get(entry.type)),
  }));
  return { candidates: rankCandidates(current, context), context };
};

/**
 * The record that a sender's address stands for. Reads strongly: a record that was just created counts.
 *
 * @param mailboxOwnerId the user whose mailbox is tracked, or who owns its queue: records of this owner go first
 */
export const resolveSender = async (
  table: RecordsTable,
  organization: ResolvingOrganization,
  address: string,
  mailboxOwnerId?: string | null,
): Promise<SenderResolution> => {
  const { candidates, context } = await loadCandidates(table, organization, address, mailboxOwnerId);
  return { candidates, ...chooseSender(candidates, context) };
};

/** All records that a recipient's address stands for, best first. Reads strongly. */
export const resolveRecipient = async (
  table: RecordsTable,
  organization: ResolvingOrganization,
  address: string,
  mailboxOwnerId?: string | null,
): Promise<RecipientResolution> => {
  const { candidates, context } = await loadCandidates(table, organization, address, mailboxOwnerId);
  return { candidates, ...chooseRecipients(candidates, context) };
};

/** What stands in a party for the record that an address was resolved to. */
export const toReference = ({ type, id, externalId }: AddressEntry): Reference => ({ type, id, externalId });
