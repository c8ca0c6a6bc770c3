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
): Promise<readonly RecordType[]> => {
  const own = new Set(
    entries.map(({ type }) => type).filter((type) => !ownerTypes.includes(type) && !isBuiltInRecordType(type)),
  );
  const items = await table.getMany([...own].map((type) => recordKey(organizationId, recordTypeKind.kind, type)));
  return items.map((item) => fromItem(recordTypeKind, item));
};

/**
 * Who has the address and takes part in email, one more than the cap where there are too many. The index also names
 * records of other types, perhaps by the thousand: these must not keep those that count out of sight, so what is left of
 * such a type is passed over.
 */
const findPartakers = async (
  table: RecordsTable,
  organizationId: string,
  address: string,
  cap: number,
): Promise<{ readonly partakers: readonly AddressEntry[]; readonly ownTypes: ReadonlyMap<string, RecordType> }> => {
  const partakers: AddressEntry[] = [];
  const ownTypes = new Map<string, RecordType>();
  const takesPart = ({ type }: AddressEntry): boolean =>
    ownerTypes.includes(type) || isEmailEnabled(type, ownTypes.get(type));
  let from: string | undefined;
  do {
    const page = await findAddressEntries(table, organizationId, address, { limit: cap + 1, from });
    for (const type of await loadOwnTypes(table, organizationId, page.entries)) ownTypes.set(type.id, type);
    partakers.push(...page.entries.filter(takesPart).map((entry) => ({ ...entry, emailEnabled: true })));
    const last = page.entries.at(-1);
    from = last !== undefined && takesPart(last) ? page.rest?.behindEntry : page.rest?.behindType;
  } while (from !== undefined && partakers.length <= cap);
  return { partakers, ownTypes };
};

const loadCandidates = async (
  table: RecordsTable,
  organization: ResolvingOrganization,
  address: string,
  mailboxOwnerId: string | null | undefined,
): Promise<Candidates & { readonly context: RankingContext }> => {
  const settings = organization.settings.resolution;
  const cap = settings.senderMatchCap;
  const { partakers, ownTypes } = await findPartakers(table, organization.id, address, cap);
  const ownTypeRanks = new Map(
    [...ownTypes.values()].flatMap(({ id, resolutionRank }) => (resolutionRank === null ? [] : [[id, resolutionRank]])),
  );
  const context = { settings, mailboxOwnerId, ownTypeRanks };
  return { candidates: rankCandidates(partakers.slice(0, cap + 1), context), context };
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
