import { findOwner } from '../owner/find-owner.ts';
import type { EntityStore } from '../platform/entity-store.ts';
import { fromItem } from '../platform/entity-store.ts';
import { recordKey } from '../platform/records-table.ts';
import { findAddressEntries } from './address-entry.ts';
import { type CrmRecord, crmRecordKind } from './record.ts';

export interface RecordFilters {
  readonly type: string;
  readonly ownerId?: string | undefined;
  readonly status?: CrmRecord['status'] | undefined;
  readonly bound?: boolean | undefined;
}

/** The filters as a test of one record; undefined when nothing can match because there is no such owner. */
export const createRecordFilter = async (
  store: EntityStore,
  organizationId: string,
  filters: RecordFilters,
): Promise<((record: CrmRecord) => boolean) | undefined> => {
  const owner =
    filters.ownerId === undefined
      ? undefined
      : await findOwner(store, organizationId, ['user', 'team'], filters.ownerId);
  if (filters.ownerId !== undefined && owner === undefined) return undefined;
  return (record) =>
    record.type === filters.type &&
    (owner === undefined || record.owner?.id === owner.id) &&
    (filters.status === undefined || record.status === filters.status) &&
    (filters.bound === undefined || (record.externalId !== null) === filters.bound);
};

const entriesLimit = 1_000;
const batchReadLimit = 100;

/** The records of a type that have the address, newest first; of very many the thousand that were made first. */
export const findRecordsByAddress = async (
  store: EntityStore,
  organizationId: string,
  type: string,
  address: string,
): Promise<readonly CrmRecord[]> => {
  const ids: string[] = [];
  let from: string | undefined;
  do {
    const limit = entriesLimit - ids.length;
    const page = await findAddressEntries(store.table, organizationId, address, { limit, type, from });
    ids.push(...page.entries.map(({ id }) => id));
    from = page.rest?.behindEntry;
  } while (from !== undefined && ids.length < entriesLimit);
  const records: CrmRecord[] = [];
  for (let start = 0; start < ids.length; start += batchReadLimit) {
    const keys = ids
      .slice(start, start + batchReadLimit)
      .map((id) => recordKey(organizationId, crmRecordKind.kind, id));
    records.push(...(await store.table.getMany(keys)).map((item) => fromItem(crmRecordKind, item)));
  }
  return records.sort((one, other) => (one.id < other.id ? 1 : -1));
};
