import type * as z from 'zod';
import { type Decision, decisionSchema } from './decision.ts';

export const decisionAnswerSchema = decisionSchema
  .omit({ createdAt: true, updatedAt: true })
  .required({ history: true })
  .meta({ id: 'Decision' });

/** Mail that became a record of the organization, whose subject whoever may read records knows anyway. */
const isTracked = ({ outcome, emailId }: Decision): boolean =>
  outcome === 'tracked' || outcome === 'duplicate' || emailId !== null;

/**
 * A decision as the API shows it. Mail that is not tracked is private to the owner of its mailbox: its subject is shown
 * only to those of whom `seesUntrackedSubjects` is true.
 */
export const presentDecision = (
  decision: Decision,
  { seesUntrackedSubjects }: { readonly seesUntrackedSubjects: boolean },
): z.output<typeof decisionAnswerSchema> => {
  const { createdAt: _createdAt, updatedAt: _updatedAt, uidValidity, uid, ...shown } = decision;
  return {
    ...shown,
    // Where the server knows no UIDs they are of our own making, and mean nothing to anybody else.
    ...(decision.uidl === undefined ? { uidValidity, uid } : {}),
    history: shown.history ?? [],
    subject: isTracked(decision) || seesUntrackedSubjects ? decision.subject : null,
  };
};
