import { isDeepStrictEqual } from 'node:util';
import { normalizeAddress } from '../platform/address.ts';
import { createChange } from '../platform/create-change.ts';
import type { EntityStore } from '../platform/entity-store.ts';
import type { Reference } from '../platform/values.ts';
import { type Email, emailKind, type Party } from './email.ts';
import type { ActionOptions } from './send-actions.ts';

const partyFields = ['to', 'cc', 'bcc', 'replyTo'] as const;

export const hasAddress = (party: Party, address: string): boolean => normalizeAddress(party.address) === address;

export const partiesOf = (email: Email): readonly Party[] => [
  email.from,
  ...partyFields.flatMap((field) => email[field]),
];

/** The email with the record behind every party of this address that `applies` names. */
export const withRecord = (
  email: Email,
  address: string,
  reference: Reference,
  applies: (party: Party) => boolean,
): Email => {
  const resolve = (party: Party): Party =>
    hasAddress(party, address) && applies(party) ? { ...party, records: [reference] } : party;
  return {
    ...email,
    from: resolve(email.from),
    to: email.to.map(resolve),
    cc: email.cc.map(resolve),
    bcc: email.bcc.map(resolve),
    replyTo: email.replyTo.map(resolve),
  };
};

const changedFields = (before: Email, after: Email): string[] =>
  (['from', ...partyFields] as const).filter((field) => !isDeepStrictEqual(before[field], after[field]));

/** Writes what `resolve` makes of the parties of an email; nothing where that is what they are. */
export const changeParties = (
  { store, now }: { readonly store: EntityStore; readonly now: () => Date },
  organizationId: string,
  emailId: string,
  options: ActionOptions,
  resolve: (email: Email) => Email,
): Promise<Email> =>
  store.update(
    emailKind,
    organizationId,
    emailId,
    (current) => {
      const next = resolve(current);
      const fields = changedFields(current, next);
      if (fields.length === 0) return undefined;
      return { next, changes: [createChange('email.updated', options.author, now(), fields)] };
    },
    { now, ifMatch: options.ifMatch },
  );
