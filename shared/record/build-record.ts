import { isDeepStrictEqual } from 'node:util';
import { fingerprint } from '../platform/identifier.ts';
import type { AddressHolder } from './address-entry.ts';
import type { CrmRecord } from './record.ts';

/** What the CRM owns of a record. */
type OwnedByCrm = Pick<
  CrmRecord,
  'displayName' | 'emails' | 'owner' | 'visibleTo' | 'status' | 'recordCreatedAt' | 'custom' | 'fields'
>;

/** JSON whose members stand in the order of their names, so that equal values have equal text. */
const canonicalJson = (value: unknown): string =>
  JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([one], [other]) => (one < other ? -1 : 1)))
      : inner,
  );

/** SHA-256 over what the CRM owns of the record. */
export const hashContent = (record: OwnedByCrm): string => {
  const { displayName, emails, owner, visibleTo, status, recordCreatedAt, custom, fields } = record;
  return fingerprint(
    canonicalJson({ displayName, emails, ownerId: owner?.id, visibleTo, status, recordCreatedAt, custom, fields }),
  );
};

const changedMembers = (name: string, before: object, after: object): string[] => {
  const [old, now] = [new Map(Object.entries(before)), new Map(Object.entries(after))];
  return [...new Set([...old.keys(), ...now.keys()])]
    .filter((member) => !isDeepStrictEqual(old.get(member), now.get(member)))
    .map((member) => `${name}.${member}`);
};

/** The names of what differs, as the API names it; members of `fields` and `custom` one by one. */
export const changedFieldsOf = (before: CrmRecord, after: CrmRecord): string[] => {
  const names = [
    ['externalId', 'externalId'],
    ['displayName', 'displayName'],
    ['emails', 'emails'],
    ['owner', 'ownerId'],
    ['visibleTo', 'visibleTo'],
    ['status', 'status'],
    ['recordCreatedAt', 'createdAt'],
  ] as const;
  return [
    ...names.filter(([field]) => !isDeepStrictEqual(before[field], after[field])).map(([, name]) => name),
    ...changedMembers('custom', before.custom, after.custom),
    ...changedMembers('fields', before.fields, after.fields),
  ];
};

/** The record with its addresses, as the address index knows it. */
export const addressHolderOf = (record: CrmRecord, emailEnabled: boolean): AddressHolder => ({
  entry: {
    type: record.type,
    id: record.id,
    externalId: record.externalId,
    displayName: record.displayName,
    ownerId: record.owner?.id ?? null,
    status: record.status,
    createdAt: record.recordCreatedAt,
    emailEnabled,
  },
  addresses: record.emails.map(({ address }) => address),
});
