import type { Organization } from '../organization/organization.ts';
import { queueKind, teamKind, userKind } from '../owner/owner.ts';
import { normalizeAddress } from '../platform/address.ts';
import type { EntityStore } from '../platform/entity-store.ts';
import { findIdentifier } from '../platform/resolve-identifier.ts';
import { refuseField } from '../platform/validate.ts';
import type { Reference } from '../platform/values.ts';
import { crmRecordKind } from '../record/record.ts';
import { resolveRecipient, toReference } from '../record/resolve-address.ts';
import type { Party } from './email.ts';
import type { PartyInput } from './email-input.ts';

export interface RecordPointer {
  readonly type: string;
  readonly id: string;
}

/** A record, user, queue or team that a request names, with the address that mail for it goes to. */
export interface NamedRecord {
  readonly reference: Reference;
  readonly displayName: string;
  readonly address: string | null;
}

const lookUpsAtOnce = 20;

const findOwner = async (
  store: EntityStore,
  organizationId: string,
  { type, id }: RecordPointer,
): Promise<NamedRecord | undefined> => {
  if (type === 'user') {
    const found = await findIdentifier(store, organizationId, 'user', 'usr', id);
    const user = found === undefined ? undefined : await store.get(userKind, organizationId, found);
    return user && { reference: referTo('user', user), displayName: user.fullName, address: user.emailAddress };
  }
  if (type === 'queue') {
    const found = await findIdentifier(store, organizationId, 'queue', 'que', id);
    const queue = found === undefined ? undefined : await store.get(queueKind, organizationId, found);
    return queue && { reference: referTo('queue', queue), displayName: queue.name, address: queue.emailAddress };
  }
  const found = await findIdentifier(store, organizationId, 'team', 'tea', id);
  const team = found === undefined ? undefined : await store.get(teamKind, organizationId, found);
  return team && { reference: referTo('team', team), displayName: team.name, address: team.emailAddress };
};

const referTo = (type: string, entity: { readonly id: string; readonly externalId: string | null }): Reference => ({
  type,
  id: entity.id,
  externalId: entity.externalId,
});

/** Undefined when the organization has no such record. */
export const findRecord = async (
  store: EntityStore,
  organizationId: string,
  pointer: RecordPointer,
): Promise<NamedRecord | undefined> => {
  const { type, id } = pointer;
  if (type === 'user' || type === 'queue' || type === 'team') return findOwner(store, organizationId, pointer);
  const found = await findIdentifier(store, organizationId, `record:${type}`, 'rec', id);
  const record = found === undefined ? undefined : await store.get(crmRecordKind, organizationId, found);
  if (record === undefined || record.type !== type) return undefined;
  const email = record.emails.find(({ primary }) => primary) ?? record.emails[0];
  return {
    reference: referTo(type, record),
    displayName: record.displayName,
    address: email?.address ?? null,
  };
};

/** @throws FaultError invalidRequest, which names the field when there is no such record */
export const requireRecord = async (
  store: EntityStore,
  organizationId: string,
  pointer: RecordPointer,
  field: string,
): Promise<NamedRecord> => {
  const record = await findRecord(store, organizationId, pointer);
  if (record === undefined) throw refuseField(`${field}/id`, 'notFound', `There is no ${pointer.type} with this id`);
  return record;
};

/** The records that a party names, with where each stands in the request; undefined where it leaves them to us. */
const namedBy = (input: PartyInput, field: string) => {
  if (input.record !== undefined) return [{ pointer: input.record, at: `${field}/record` }];
  return input.records?.map((pointer, index) => ({ pointer, at: `${field}/records/${index}` }));
};

const resolveParty = async (
  store: EntityStore,
  organization: Organization,
  input: PartyInput,
  field: string,
  ownerId: string | null,
): Promise<Party> => {
  const name = input.name === undefined || input.name === '' ? {} : { name: input.name };
  const named = namedBy(input, field);
  if (named === undefined) {
    const address = input.address ?? '';
    const { chosen } = await resolveRecipient(store.table, organization, address, ownerId);
    return { address, ...name, records: chosen.map(toReference) };
  }
  const records = await mapInOrder(named, 1, ({ pointer, at }) => requireRecord(store, organization.id, pointer, at));
  const address = input.address ?? records.find((record) => record.address !== null)?.address ?? null;
  if (address === null) throw refuseField(named[0]?.at ?? field, 'noAddress', 'This record has no address');
  const displayName = records[0] === undefined ? {} : { name: records[0].displayName };
  const references = new Map(records.map(({ reference }) => [reference.id, reference]));
  return { address, ...displayName, ...name, records: [...references.values()] };
};

/** One party per address, at the place of its first mention, with the records of all mentions. */
export const mergeParties = (parties: readonly Party[]): Party[] => {
  const merged = new Map<string, Party>();
  for (const party of parties) {
    const key = normalizeAddress(party.address);
    const first = merged.get(key);
    const known = new Set(first?.records.map(({ id }) => id));
    merged.set(
      key,
      first === undefined
        ? party
        : { ...first, records: [...first.records, ...party.records.filter(({ id }) => !known.has(id))] },
    );
  }
  return [...merged.values()];
};

/** In the order given, at most `parallel` at a time. */
export const mapInOrder = async <Item, Result>(
  items: readonly Item[],
  parallel: number,
  work: (item: Item, index: number) => Promise<Result>,
): Promise<Result[]> => {
  const results: Result[] = [];
  for (let start = 0; start < items.length; start += parallel)
    results.push(
      ...(await Promise.all(items.slice(start, start + parallel).map((item, offset) => work(item, start + offset)))),
    );
  return results;
};

/**
 * The parties that a request names, resolved to records.
 *
 * @param field where they stand in the request, e.g. `#/to`
 * @param ownerId user or queue whose records go first
 * @throws FaultError invalidRequest for a record that does not exist or has no address
 */
export const resolveParties = async (
  store: EntityStore,
  organization: Organization,
  inputs: readonly PartyInput[],
  field: string,
  ownerId: string | null,
): Promise<Party[]> =>
  mergeParties(
    await mapInOrder(inputs, lookUpsAtOnce, (input, index) =>
      resolveParty(store, organization, input, `${field}/${index}`, ownerId),
    ),
  );
