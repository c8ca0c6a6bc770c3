import { isDeepStrictEqual } from 'node:util';
import { normalizeAddress } from '../platform/address.ts';
import { createChange } from '../platform/create-change.ts';
import type { EntityStore } from '../platform/entity-store.ts';
import { FaultError } from '../platform/fault.ts';
import { identifierAt } from '../platform/identifier.ts';
import { refuseField } from '../platform/validate.ts';
import type { Reference } from '../platform/values.ts';
import { type Email, emailKind, type Party } from './email.ts';
import type { ResolvePartyInput } from './email-input.ts';
import { requireRecord } from './resolve-parties.ts';
import type { ActionOptions } from './send-actions.ts';

interface ResolveDependencies {
  readonly store: EntityStore;
  readonly now: () => Date;
}

interface ResolveOptions extends ActionOptions {
  /** Which of the similar emails may be changed, too. */
  readonly mayChange: (email: Email) => boolean;
}

const similarMilliseconds = 90 * 86_400_000;
// What an answer may take is limited; the newest emails come first.
const patienceMilliseconds = 15_000;
const partyFields = ['to', 'cc', 'bcc', 'replyTo'] as const;

const hasAddress = (party: Party, address: string): boolean => normalizeAddress(party.address) === address;

const partiesOf = (email: Email): readonly Party[] => [email.from, ...partyFields.flatMap((field) => email[field])];

/** The email with the record behind every party of this address that `applies` names. */
const withRecord = (email: Email, address: string, reference: Reference, applies: (party: Party) => boolean): Email => {
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

const change = (
  { store, now }: ResolveDependencies,
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

const applyToSimilar = async (
  deps: ResolveDependencies,
  organizationId: string,
  input: { readonly exceptId: string; readonly address: string; readonly reference: Reference },
  options: Pick<ResolveOptions, 'author' | 'mayChange'>,
): Promise<void> => {
  const { store, now } = deps;
  const { exceptId, address, reference } = input;
  const started = now().getTime();
  const unresolved = (party: Party): boolean => party.records.length === 0;
  let after: Readonly<Record<string, unknown>> | undefined;
  do {
    const page = await store.list(emailKind, organizationId, {
      limit: 100,
      after,
      from: identifierAt('eml', started - similarMilliseconds),
    });
    for (const email of page.items) {
      if (email.id === exceptId) continue;
      if (partiesOf(email).some((party) => hasAddress(party, address) && unresolved(party)) && options.mayChange(email))
        await change(deps, organizationId, email.id, options, (current) =>
          withRecord(current, address, reference, unresolved),
        ).catch((error: unknown) => {
          // Deleted meanwhile.
          if (!(error instanceof FaultError && error.fault.code === 'notFound')) throw error;
        });
    }
    after = page.after;
  } while (after !== undefined && now().getTime() - started < patienceMilliseconds);
};

/**
 * Says which record an address of an email stands for, and, unless told otherwise, of every other email of the last 90
 * days where the same address is unresolved, newest first, as far as the time of a request allows; calling it again
 * goes on.
 *
 * @throws FaultError notFound, versionMismatch, invalidRequest
 */
export const resolveParty = async (
  deps: ResolveDependencies,
  organizationId: string,
  emailId: string,
  input: ResolvePartyInput,
  options: ResolveOptions,
): Promise<Email> => {
  const { reference } = await requireRecord(deps.store, organizationId, input.record, '#/record');
  const address = normalizeAddress(input.address);
  const email = await change(deps, organizationId, emailId, options, (current) => {
    if (!partiesOf(current).some((party) => hasAddress(party, address)))
      throw refuseField('#/address', 'notAParty', 'No party of this email has the address');
    return withRecord(current, address, reference, () => true);
  });
  if (input.applyToSimilar)
    await applyToSimilar(deps, organizationId, { exceptId: emailId, address, reference }, options);
  return email;
};
