import { FaultError } from '../../shared/platform/fault.ts';
import type { Caller } from './route.ts';

/** What a session of role user is limited to. Every other caller sees the whole organization. */
export interface Ownership {
  readonly userId: string;
  readonly mailboxId: string;
}

export const ownershipOf = (caller: Caller): Ownership | undefined =>
  caller.type === 'session' && caller.role === 'user' ? caller : undefined;

/** What is another's answers as what does not exist. @throws FaultError notFound */
export const requireOwn = (caller: Caller, isOwn: (ownership: Ownership) => boolean): void => {
  const ownership = ownershipOf(caller);
  if (ownership !== undefined && !isOwn(ownership)) throw new FaultError('notFound');
};

/** A filter of lists: what this caller may see of what the filter lets pass. */
export const limitedTo = <Item, Matches extends boolean | Promise<boolean>>(
  caller: Caller,
  isOwn: (ownership: Ownership, item: Item) => boolean,
  matches: (item: Item) => Matches,
): ((item: Item) => Matches | false) => {
  const ownership = ownershipOf(caller);
  return ownership === undefined ? matches : (item) => isOwn(ownership, item) && matches(item);
};

/** Of a request of a user that may set few of the fields that others may. @throws FaultError forbidden */
export const requireFieldsOf = (
  caller: Caller,
  presentFields: ReadonlySet<string>,
  allowed: readonly string[],
  what: string,
): void => {
  if (ownershipOf(caller) === undefined) return;
  const others = [...presentFields].filter((field) => !allowed.includes(field));
  if (others.length > 0)
    throw new FaultError('forbidden', {
      detail: `Users set only ${allowed.join(' and ')} of their ${what}, not ${others.join(', ')}`,
      fix: `Leave ${others.join(', ')} out, or ask an administrator`,
    });
};

export const isAdministrator = (caller: Caller): boolean => caller.type !== 'operator' && caller.role === 'admin';
