import { clearingWrites } from '../alert/raise-alert.ts';
import { type Email, emailKind } from '../email/email.ts';
import { trackedChange, trackedEventId } from '../email/tracked-event.ts';
import type { Organization } from '../organization/organization.ts';
import type { Author } from '../platform/change.ts';
import type { EntityStore } from '../platform/entity-store.ts';
import type { RecordWrite } from '../platform/records-table.ts';
import { transact } from '../platform/transact.ts';
import { findDecisionOf, rejectedDecisionWrites } from './rejected-decision.ts';
import { type Rejection, rejectionExpiry, rejectionKind } from './rejection.ts';

export interface OfferDependencies {
  readonly store: EntityStore;
  readonly now: () => Date;
}

type Change = Pick<Rejection, 'status' | 'dueAt'> & Partial<Pick<Rejection, 'rejections' | 'events' | 'deadLetterId'>>;

const rejectionWrites = (
  store: EntityStore,
  organization: Organization,
  rejection: Rejection,
  change: Change,
  now: Date,
): RecordWrite[] => {
  const next = { ...rejection, ...change, version: rejection.version + 1, updatedAt: now.toISOString() };
  const expiresAt = rejectionExpiry(next, organization.settings.retention.deadLetterDays);
  return store.writesOf(rejectionKind, organization.id, rejection, next, { expiresAt });
};

/** The email told once more: a new event of the same email. */
const offerWrites = (store: EntityStore, organization: Organization, email: Email, now: Date) => {
  const author: Author = { origin: 'mailbox', actor: { type: 'mailbox', id: email.mailboxId ?? '' } };
  const next: Email = {
    ...email,
    version: email.version + 1,
    updatedAt: now.toISOString(),
    trackedAt: now.toISOString(),
  };
  return {
    eventId: trackedEventId(next),
    writes: store.writesOf(emailKind, organization.id, email, next, { changes: [trackedChange(next, author)] }),
  };
};

const isTracked = (email: Email | undefined): email is Email => email !== undefined && email.untrackedAt === undefined;

/**
 * Ends the wait of a rejection, if it stands as it was seen: offers the email again, or, when an offer was left standing
 * long enough, takes that for the CRM's consent. An email that is gone or untracked needs neither.
 *
 * @returns how the rejection stands then
 */
export const endWait = (
  { store, now: clock }: OfferDependencies,
  organization: Organization,
  seen: Rejection,
): Promise<Rejection | undefined> =>
  transact(store.table, async () => {
    const rejection = await store.get(rejectionKind, organization.id, seen.id);
    if (rejection?.version !== seen.version) return { writes: [], result: rejection };
    const email = await store.get(emailKind, organization.id, rejection.id);
    const now = clock();
    const decision = email === undefined ? undefined : await findDecisionOf(store, organization.id, email);
    if (rejection.status === 'waiting' && isTracked(email)) {
      const { eventId, writes } = offerWrites(store, organization, email, now);
      const dueAt = new Date(now.getTime() + organization.settings.tracking.retry.seconds * 1000).toISOString();
      const events = [...rejection.events, eventId];
      return {
        writes: [
          ...writes,
          ...rejectionWrites(store, organization, rejection, { status: 'offered', dueAt, events }, now),
          ...rejectedDecisionWrites(store, organization, decision, 'retrying', now),
        ],
        result: { ...rejection, status: 'offered', dueAt, events, version: rejection.version + 1 },
      };
    }
    return {
      writes: [
        ...rejectionWrites(store, organization, rejection, { status: 'settled', dueAt: null }, now),
        ...(isTracked(email) ? rejectedDecisionWrites(store, organization, decision, 'tracked', now) : []),
        ...(await clearingWrites(store, organization.id, 'crmRejected', rejection.id, { now })),
      ],
      result: { ...rejection, status: 'settled', dueAt: null, version: rejection.version + 1 },
    };
  });

/**
 * Offers an email again that was given up, because a person asked for it; the CRM may refuse it as often as before.
 * Can be repeated.
 *
 * @returns false when the email is gone or no longer tracked
 */
export const offerGivenUp = (
  { store, now: clock }: OfferDependencies,
  organization: Organization,
  emailId: string,
): Promise<boolean> =>
  transact(store.table, async () => {
    const rejection = await store.get(rejectionKind, organization.id, emailId);
    const email = await store.get(emailKind, organization.id, emailId);
    if (!isTracked(email)) return { writes: [], result: false };
    if (rejection?.status !== 'givenUp') return { writes: [], result: true };
    const now = clock();
    const decision = await findDecisionOf(store, organization.id, email);
    const { eventId, writes } = offerWrites(store, organization, email, now);
    const events = [...rejection.events, eventId];
    const change: Change = { status: 'offered', dueAt: null, rejections: 0, events, deadLetterId: null };
    return {
      writes: [
        ...writes,
        ...rejectionWrites(store, organization, rejection, change, now),
        ...rejectedDecisionWrites(store, organization, decision, 'tracked', now),
      ],
      result: true,
    };
  });
