import * as z from 'zod';
import type { LaneVerdict } from '../cycle/run-lane-batch.ts';
import { goOnLater } from '../operation/go-on-later.ts';
import type { Operation, OperationDependencies } from '../operation/operation.ts';
import { operationMessage } from '../operation/operation-message.ts';
import { operationTimerName } from '../operation/operation-watch.ts';
import { finishOperation } from '../operation/run-operation.ts';
import { organizationKind } from '../organization/organization.ts';
import type { Timers } from '../platform/timers.ts';
import { endWait } from './offer-again.ts';
import { type Rejection, rejectionKind } from './rejection.ts';

const inputSchema = z.object({ eventId: z.string() });

export interface OfferAgainDependencies extends OperationDependencies {
  readonly timers: Timers;
}

/** Timers are precise to a minute; below this a message is given back instead. */
const longestShortWaitMilliseconds = 120_000;

/** Whether what the rejection waits for is this operation's: the refusal that it was started for is the last one. */
const isOwn = ({ status, events }: Rejection, eventId: string): boolean =>
  status === 'waiting' ? events.at(-1) === eventId : status === 'offered' && events.at(-2) === eventId;

/**
 * The operation that offers a refused email again: waits, tells the feed of the email once more, waits whether the CRM
 * lets that stand, and ends. A further refusal is another operation's. Can be repeated at every step.
 */
export const runOfferAgain = async (
  deps: OfferAgainDependencies,
  organizationId: string,
  operation: Operation,
  delivery: { readonly receiveCount: number },
): Promise<LaneVerdict> => {
  const { store, now, timers, operationWatch } = deps;
  const { eventId } = inputSchema.parse(operation.input);
  const group = operation.subject.id;
  const { id } = operation;
  const organization = await store.get(organizationKind, organizationId, organizationId);
  if (organization === undefined) return { done: true };
  let rejection = await store.get(rejectionKind, organizationId, group);
  for (;;) {
    if (rejection === undefined || rejection.dueAt === null || !isOwn(rejection, eventId)) {
      const status = rejection?.status ?? 'settled';
      await finishOperation(deps, organizationId, id, { status: 'succeeded', result: { status } });
      return { done: true };
    }
    const due = Date.parse(rejection.dueAt);
    const wait = due - now().getTime();
    if (wait <= 0) {
      rejection = await endWait(deps, organization, rejection);
      continue;
    }
    if (wait <= longestShortWaitMilliseconds)
      return goOnLater(deps, { organizationId, id, group }, delivery, Math.max(1, Math.ceil(wait / 1000)));
    // The watchdog looks after it from then on, should the timer be lost.
    const deadline = Date.parse(operation.deadline);
    await operationWatch.begin({ organizationId, operationId: id, group, due, deadline });
    const body = operationMessage(organizationId, group, id, rejection.dueAt);
    await timers.arm({ name: operationTimerName(id, due), at: due, lane: 'operations', group, body });
    return { done: true };
  }
};
