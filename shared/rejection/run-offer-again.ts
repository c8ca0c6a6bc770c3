import * as z from 'zod';
import type { LaneVerdict } from '../cycle/run-lane-batch.ts';
import type { Operation, OperationDependencies } from '../operation/operation.ts';
import { finishOperation } from '../operation/run-operation.ts';
import { type WaitDependencies, waitUntil } from '../operation/wait-until.ts';
import { organizationKind } from '../organization/organization.ts';
import { endWait } from './offer-again.ts';
import { type Rejection, rejectionKind } from './rejection.ts';

const inputSchema = z.object({ eventId: z.string() });

export type OfferAgainDependencies = OperationDependencies & WaitDependencies;

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
  const { store, now } = deps;
  const { eventId } = inputSchema.parse(operation.input);
  const group = operation.subject.id;
  const { id, deadline } = operation;
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
    if (due > now().getTime()) return waitUntil(deps, { organizationId, id, group, deadline }, delivery, due);
    rejection = await endWait(deps, organization, rejection);
  }
};
