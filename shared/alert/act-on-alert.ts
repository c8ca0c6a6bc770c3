import type { Author } from '../platform/change.ts';
import type { EntityStore } from '../platform/entity-store.ts';
import { FaultError } from '../platform/fault.ts';
import { type Alert, type AlertAction, alertKind } from './alert.ts';
import { noteAnswer } from './raise-alert.ts';

export interface Acting<Outcome> {
  readonly store: EntityStore;
  readonly organizationId: string;
  readonly author: Author;
  readonly now: () => Date;
  /** Does what the action says; when it is refused the alert stays open. Called again after a crash in between. */
  readonly perform: (alert: Alert, action: AlertAction) => Promise<Outcome>;
}

const notOffered = (alert: Alert, action: AlertAction): FaultError => {
  const offered = alert.actions.length === 0 ? 'none' : alert.actions.join(', ');
  const detail = `The alert does not offer ${action}; it offers ${offered}`;
  return new FaultError('invalidRequest', {
    detail,
    errors: [{ pointer: '#/action', code: 'notOffered', detail }],
  });
};

/**
 * Does what a person chose on an alert, and notes the answer. Signing in again is begun as often as asked for: the
 * alert clears itself once it has worked.
 *
 * @throws FaultError notFound, versionMismatch, invalidRequest (not offered), alreadyAnswered, invalidState (cleared),
 * and what the action is refused with
 */
export const actOnAlert = async <Outcome>(
  { store, organizationId, author, now, perform }: Acting<Outcome>,
  alertId: string,
  action: AlertAction,
  ifMatch: number | undefined,
): Promise<Outcome> => {
  const alert = await store.get(alertKind, organizationId, alertId);
  if (alert === undefined) throw new FaultError('notFound');
  if (ifMatch !== undefined && ifMatch !== alert.version) throw new FaultError('versionMismatch');
  if (!alert.actions.includes(action)) throw notOffered(alert, action);
  if (alert.status === 'answered') throw new FaultError('alreadyAnswered');
  if (alert.status === 'cleared')
    throw new FaultError('invalidState', {
      detail: 'The alert is cleared, so there is nothing left to do about it',
      fix: 'Read the alerts that are open',
    });
  const outcome = await perform(alert, action);
  if (action !== 'reconnect') await noteAnswer(store, organizationId, alertId, { action, now: now(), author });
  return outcome;
};
