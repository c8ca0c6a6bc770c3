import type { Settings } from '../organization/settings.ts';
import type { Rejection } from './rejection.ts';

export interface Refusal {
  readonly eventId: string;
  readonly code: string;
  readonly detail: string;
}

export interface RefusalFacts {
  readonly email: { readonly id: string; readonly mailboxId: string };
  /** The event that told of the email last. */
  readonly currentEventId: string;
  readonly rejection: Rejection | undefined;
  readonly retry: Settings['tracking']['retry'];
  readonly now: Date;
}

export type RefusalPlan =
  /** No such event told of this email. */
  | { readonly kind: 'unknown' }
  /** It was refused before, or a later event has taken its place: nothing changes. */
  | { readonly kind: 'known'; readonly rejection: Rejection }
  | { readonly kind: 'offerAgain' | 'giveUp'; readonly rejection: Rejection };

/**
 * What the refusal of an event leads to: the email is offered again after a while, as often as the settings say, and then
 * given up. Only the latest event can be refused, and only once.
 */
export const planRefusal = ({ eventId, code, detail }: Refusal, facts: RefusalFacts): RefusalPlan => {
  const { email, currentEventId, rejection, retry, now } = facts;
  const isKnown = rejection?.events.includes(eventId) === true;
  const isRefused = rejection?.status === 'waiting' || rejection?.status === 'givenUp';
  if (rejection !== undefined && isKnown && (eventId !== currentEventId || isRefused))
    return { kind: 'known', rejection };
  if (eventId !== currentEventId) return { kind: 'unknown' };
  const at = now.toISOString();
  // An email that was untracked and is tracked again begins anew.
  const inARow = rejection !== undefined && isKnown ? rejection.rejections : 0;
  const rejections = inARow + 1;
  const givesUp = rejections > retry.attempts;
  return {
    kind: givesUp ? 'giveUp' : 'offerAgain',
    rejection: {
      id: email.id,
      version: (rejection?.version ?? 0) + 1,
      createdAt: rejection?.createdAt ?? at,
      updatedAt: at,
      mailboxId: email.mailboxId,
      status: givesUp ? 'givenUp' : 'waiting',
      rejections,
      events: isKnown ? (rejection?.events ?? []) : [...(rejection?.events ?? []).slice(-20), eventId],
      code,
      detail,
      dueAt: givesUp ? null : new Date(now.getTime() + retry.seconds * 1000).toISOString(),
      deadLetterId: null,
    },
  };
};
