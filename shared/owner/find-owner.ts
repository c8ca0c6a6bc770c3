import type { EntityStore } from '../platform/entity-store.ts';
import { recordKey } from '../platform/records-table.ts';
import { findIdentifier } from '../platform/resolve-identifier.ts';
import { refuseField } from '../platform/validate.ts';
import { queueKind, teamKind, userKind } from './owner.ts';

export type OwnerTypeName = 'user' | 'queue' | 'team';

const kinds = { user: userKind, queue: queueKind, team: teamKind };

/** The owner that an id or `ext:` id of one of the types stands for; types are tried in order. Undefined: none. */
export const findOwner = async (
  store: EntityStore,
  organizationId: string,
  types: readonly OwnerTypeName[],
  text: string,
): Promise<{ readonly type: OwnerTypeName; readonly id: string } | undefined> => {
  for (const type of types) {
    const { kind, prefix } = kinds[type];
    const id = await findIdentifier(store, organizationId, kind, prefix, text);
    if (id !== undefined && (await store.table.get(recordKey(organizationId, kind, id))) !== undefined)
      return { type, id };
  }
  return undefined;
};

/** As findOwner, for a field of a request. @throws FaultError invalidRequest, pointing to the field */
export const requireOwner = async (
  store: EntityStore,
  organizationId: string,
  types: readonly OwnerTypeName[],
  text: string,
  pointer: string,
): Promise<string> => {
  const found = await findOwner(store, organizationId, types, text);
  if (found === undefined) throw refuseField(pointer, 'notFound', `There is no ${types.join(' or ')} ${text}`);
  return found.id;
};
