import type { EntityStore } from '../platform/entity-store.ts';
import { FaultError } from '../platform/fault.ts';
import { resolveIdentifier } from '../platform/resolve-identifier.ts';
import { type DeadLetter, deadLetterKind } from './dead-letter.ts';

/** @throws FaultError notFound */
export const findDeadLetter = async (store: EntityStore, organizationId: string, text: string): Promise<DeadLetter> => {
  const { kind, prefix } = deadLetterKind;
  const id = await resolveIdentifier(store, organizationId, kind, prefix, text);
  const letter = await store.get(deadLetterKind, organizationId, id);
  if (letter === undefined) throw new FaultError('notFound');
  return letter;
};
