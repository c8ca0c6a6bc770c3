import type { Reference } from '../platform/values.ts';
import { fail, pass, type StepOutcome } from './decision-steps.ts';
import type { RecipientOwner } from './recipient-owners.ts';

export interface EmailOwnership {
  readonly owner: Reference | null;
  readonly outcome: StepOutcome;
}

const listNames = { to: 'To', cc: 'Cc', bcc: 'Bcc' } as const;

/**
 * To whom a tracked email belongs: of the first list (To, Cc, Bcc) with anyone who may own email, the owner of the
 * email that it answers, else the owner of the sender's record, else the first.
 *
 * @param correlatedOwnerId owner of the answered email
 * @param senderOwnerId owner of the sender's record
 */
export const chooseEmailOwner = (
  owners: readonly RecipientOwner[],
  correlatedOwnerId: string | null,
  senderOwnerId: string | null,
): EmailOwnership => {
  for (const field of ['to', 'cc', 'bcc'] as const) {
    const eligible = owners.flatMap(({ owner, field: through }) =>
      through === field && owner.emailOwner !== null ? [{ name: owner.name, reference: owner.emailOwner }] : [],
    );
    const [first] = eligible;
    if (first === undefined) continue;
    const ofCorrelated = eligible.find(({ reference }) => reference.id === correlatedOwnerId);
    const ofSender = eligible.find(({ reference }) => reference.id === senderOwnerId);
    const chosen = ofCorrelated ?? ofSender ?? first;
    const reason =
      ofCorrelated !== undefined
        ? 'owner of the answered email'
        : ofSender !== undefined
          ? "owner of the sender's record"
          : `the first of ${listNames[field]} who may own email`;
    return { owner: chosen.reference, outcome: pass('owner', `${chosen.name}: ${reason}`) };
  }
  // A queue without owner keeps its email; a user who may not own email does not get it.
  const ownerless = owners.find(({ owner }) => owner.type === 'queue');
  return ownerless === undefined
    ? { owner: null, outcome: fail('owner', 'ownerCannotOwn', 'no recipient may own email') }
    : { owner: null, outcome: pass('owner', `the queue ${ownerless.owner.name} has no owner; nobody owns the email`) };
};
