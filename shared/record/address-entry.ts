import { isDeepStrictEqual } from 'node:util';
import * as z from 'zod';
import { normalizeAddress } from '../platform/address.ts';
import {
  partition,
  type RecordKey,
  type RecordsTable,
  type RecordWrite,
  recordKey,
} from '../platform/records-table.ts';

/** Who has an address, with what ranks the candidates when several have it. */
export const addressEntrySchema = z.object({
  /** `user`, `queue`, `team` or the type of a record. */
  type: z.string(),
  id: z.string(),
  externalId: z.string().nullable(),
  displayName: z.string(),
  ownerId: z.string().nullable(),
  status: z.enum(['active', 'inactive']),
  createdAt: z.string(),
  /** Whether the type takes part in email; owners always do. */
  emailEnabled: z.boolean(),
});
export type AddressEntry = z.output<typeof addressEntrySchema>;

/** A user, queue, team or record with all its addresses, as given. */
export interface AddressHolder {
  readonly entry: AddressEntry;
  readonly addresses: readonly string[];
}

const kind = 'address';

const entryKey = (organizationId: string, normalized: string, entry: Pick<AddressEntry, 'type' | 'id'>): RecordKey =>
  recordKey(organizationId, kind, `${normalized}#${entry.type}#${entry.id}`);

/**
 * The writes that keep the address index in step when a holder is created (`previous` undefined), changed, or removed
 * (`next` undefined). To be written together with the holder; empty when nothing about its addresses changed.
 */
export const addressEntryWrites = (
  organizationId: string,
  previous: AddressHolder | undefined,
  next: AddressHolder | undefined,
): RecordWrite[] => {
  const before = new Set(previous?.addresses.map(normalizeAddress));
  const after = new Set(next?.addresses.map(normalizeAddress));
  const changed = !isDeepStrictEqual(previous?.entry, next?.entry);
  const writes: RecordWrite[] = [];
  if (previous !== undefined)
    for (const address of before)
      if (!after.has(address)) writes.push({ remove: entryKey(organizationId, address, previous.entry) });
  if (next !== undefined)
    for (const address of after)
      if (changed || !before.has(address))
        writes.push({
          put: { ...entryKey(organizationId, address, next.entry), v: 1, kind, organizationId, entry: next.entry },
        });
  return writes;
};

/** From where a search goes on. */
export interface AddressPosition {
  readonly behindEntry: string;
  /** Leaves out what is left of the last entry's type. */
  readonly behindType: string;
}

export interface AddressEntryPage {
  /** By type, then by identifier. */
  readonly entries: readonly AddressEntry[];
  /** Undefined: these were the last. */
  readonly rest: AddressPosition | undefined;
}

/** Stands behind all letters, digits and signs of types and identifiers. */
const highest = '~';

/**
 * Who has the address, in no order of rank.
 *
 * @param options at most `limit`; `type`: of this type only; `from`: of a position
 */
export const findAddressEntries = async (
  table: RecordsTable,
  organizationId: string,
  address: string,
  options: { readonly limit: number; readonly type?: string; readonly from?: string | undefined },
): Promise<AddressEntryPage> => {
  const { limit, type, from } = options;
  const prefix = `${normalizeAddress(address)}#${type === undefined ? '' : `${type}#`}`;
  const range = { from: from ?? prefix, to: `${prefix}${highest}` };
  const { items, after } = await table.query({ pk: partition(organizationId, kind), ...range, limit });
  const last = items.at(-1)?.sk;
  return {
    entries: items.map((item) => addressEntrySchema.parse(item['entry'])),
    rest:
      after === undefined || last === undefined
        ? undefined
        : {
            behindEntry: `${last}${highest}`,
            behindType: `${last.slice(0, last.lastIndexOf('#') + 1)}${highest}`,
          },
  };
};
