import { alertWrites } from '../alert/raise-alert.ts';
import { emailKind } from '../email/email.ts';
import { emailOfEvent, trackedEventId } from '../email/tracked-event.ts';
import { createOperation } from '../operation/create-operation.ts';
import type { OperationDependencies } from '../operation/operation.ts';
import type { Organization } from '../organization/organization.ts';
import { FaultError } from '../platform/fault.ts';
import { deriveIdentifier } from '../platform/identifier.ts';
import { type RecordWrite, WriteConditionError } from '../platform/records-table.ts';
import { deadLetterOf, deadLetterWrites, faultOf } from './give-up.ts';
import { planRefusal, type Refusal } from './plan-rejection.ts';
import { findDecisionOf, rejectedDecisionWrites } from './rejected-decision.ts';
import { type Rejection, rejectionExpiry, rejectionKind } from './rejection.ts';

const attempts = 12;
/** Beyond the two waits that the operation makes. */
const operationMarginSeconds = 7_200;

interface Decided {
  readonly rejection: Rejection;
  readonly writes: readonly RecordWrite[];
  /** The operation that offers it again has to be started with the writes. */
  readonly offersAgain: boolean;
}

const noSuchEvent = (): FaultError => new FaultError('notFound');

const decide = async (
  { store, now: clock }: OperationDependencies,
  organization: Organization,
  refusal: Refusal,
): Promise<Decided> => {
  const emailId = emailOfEvent(refusal.eventId);
  const email = emailId === undefined ? undefined : await store.get(emailKind, organization.id, emailId);
  if (email === undefined || email.mailboxId === null) throw noSuchEvent();
  const { id, mailboxId } = email;
  const previous = await store.get(rejectionKind, organization.id, id);
  const now = clock();
  const { retry } = organization.settings.tracking;
  const plan = planRefusal(refusal, {
    email: { id, mailboxId },
    currentEventId: trackedEventId(email),
    rejection: previous,
    retry,
    now,
  });
  if (plan.kind === 'unknown') throw noSuchEvent();
  if (plan.kind === 'known') return { rejection: plan.rejection, writes: [], offersAgain: false };
  if (email.untrackedAt !== undefined)
    throw new FaultError('invalidState', { detail: 'The email is no longer tracked, so there is nothing to refuse' });
  const decision = await findDecisionOf(store, organization.id, email);
  const letter = plan.kind === 'giveUp' ? deadLetterOf(organization, email, decision, plan.rejection) : undefined;
  const rejection = { ...plan.rejection, deadLetterId: letter?.id ?? null };
  const expiresAt = rejectionExpiry(rejection, organization.settings.retention.deadLetterDays);
  const alert =
    letter === undefined
      ? await alertWrites(store, {
          organizationId: organization.id,
          level: 'error',
          scope: 'email',
          fault: faultOf(rejection),
          subject: { type: emailKind.kind, id },
          mailboxId,
          now,
        })
      : await deadLetterWrites(store, organization.id, letter, id, now);
  return {
    rejection,
    offersAgain: letter === undefined,
    writes: [
      ...store.writesOf(rejectionKind, organization.id, previous, rejection, { expiresAt }),
      ...rejectedDecisionWrites(store, organization, decision, 'setAside', now),
      ...alert,
    ],
  };
};

const carryOut = async (
  deps: OperationDependencies,
  organization: Organization,
  { eventId }: Refusal,
  { rejection, writes, offersAgain }: Decided,
): Promise<void> => {
  if (!offersAgain) return deps.store.table.write(writes);
  await createOperation(deps, {
    id: deriveIdentifier('opn', Date.parse(rejection.updatedAt), eventId),
    organizationId: organization.id,
    kind: 'offerAgain',
    subject: { type: emailKind.kind, id: rejection.id },
    mailboxGroup: rejection.id,
    input: { eventId },
    deadlineSeconds: 2 * organization.settings.tracking.retry.seconds + operationMarginSeconds,
    also: writes,
  });
};

/**
 * The CRM refuses an email that it was told of: it is set aside with the CRM's own text, which its owner sees as an
 * alert, and offered again after a while. Nothing behind it waits. A second refusal of one event changes nothing.
 *
 * @throws FaultError notFound, when no email.tracked has this identifier; invalidState when the email was untracked
 */
export const rejectEvent = async (
  deps: OperationDependencies,
  organization: Organization,
  refusal: Refusal,
): Promise<Rejection> => {
  for (let attempt = 1; ; attempt += 1) {
    const decided = await decide(deps, organization, refusal);
    if (decided.writes.length === 0) return decided.rejection;
    try {
      await carryOut(deps, organization, refusal, decided);
      return decided.rejection;
    } catch (error) {
      if (!(error instanceof WriteConditionError) || attempt === attempts) throw error;
      await new Promise((resolve) => setTimeout(resolve, 2 ** Math.min(attempt, 6) * 4 * Math.random()));
    }
  }
};
