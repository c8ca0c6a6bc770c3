import type { ContextLoader, RunContext } from '../cycle/run-context.ts';
import type { LaneVerdict } from '../cycle/run-lane-batch.ts';
import { goOnLater, goOnWithPlace } from '../operation/go-on-later.ts';
import type { Operation, OperationDependencies } from '../operation/operation.ts';
import { finishOperation, noteFailedAttempt } from '../operation/run-operation.ts';
import type { Organization } from '../organization/organization.ts';
import { createFault } from '../platform/fault.ts';
import type { ConnectionGate } from '../throttle/connection-gate.ts';
import { leaseMarginMilliseconds } from '../throttle/lease-margin.ts';
import type { Dialler } from '../transport/connection.ts';
import type { MailboxSession } from '../transport/mailbox-session.ts';
import { TransportError } from '../transport/transport-error.ts';
import { openMailboxSession } from './open-mailbox-session.ts';

export interface InMailboxDependencies extends OperationDependencies {
  readonly loader: ContextLoader;
  readonly gate: ConnectionGate;
  readonly dialler: Dialler;
}

export interface InMailboxDelivery {
  readonly receiveCount: number;
  readonly remainingMilliseconds: number;
}

/** What an operation works with while it holds a connection to the mailbox. */
export interface MailboxVisit extends Pick<RunContext, 'mailbox' | 'serverProfile'> {
  readonly organization: Organization;
  readonly session: MailboxSession;
  /** Begin nothing more at this instant (epoch milliseconds). */
  readonly deadline: number;
}

/** What is under way may take this long after the deadline; then the session is cut. */
const endMarginMilliseconds = 15_000;
/** Before the function ends, so that the session is closed and not only dropped. */
const closingMilliseconds = 5_000;
/** What passes by itself is tried so often in a row, the first time included. */
const attempts = 4;
const retrySeconds = 15;

/**
 * Carries out a step of an operation in a mailbox: takes a place at the server and logs in. What passes by itself is
 * tried again a few times, and waiting for a place is no try; a refusal fails the operation with the server's fault.
 * Message group: the mailbox.
 */
export const runInMailbox = async (
  deps: InMailboxDependencies,
  organizationId: string,
  operation: Operation,
  mailboxId: string,
  delivery: InMailboxDelivery,
  work: (visit: MailboxVisit) => Promise<LaneVerdict>,
): Promise<LaneVerdict> => {
  const named = { organizationId, id: operation.id, group: mailboxId };
  const organization = await deps.loader.organization(organizationId);
  const context = organization === undefined ? undefined : await deps.loader.context(organization, mailboxId, true);
  if (organization === undefined || context === undefined) {
    const fault = createFault('invalidState', {
      detail: 'The mailbox has no server profile',
      fix: 'Set serverProfileId first',
    });
    await finishOperation(deps, organizationId, operation.id, { status: 'failed', fault });
    return { done: true };
  }
  const { mailbox, serverProfile } = context;
  const now = deps.now().getTime();
  const end = now + delivery.remainingMilliseconds;
  const place = await deps.gate.enter({
    organizationId,
    serverProfile,
    host: serverProfile.incoming.host,
    mailboxId,
    lane: 'operations',
    generation: 0,
    expiresAt: end + leaseMarginMilliseconds,
    hasTicket: delivery.receiveCount > 1,
    ignoresPause: true,
    probeUntil: now,
  });
  if ('refused' in place) return goOnWithPlace(deps, named, delivery, place.until);
  try {
    const session = await openMailboxSession(
      { table: deps.store.table, dialler: deps.dialler, now: deps.now },
      { organizationId, mailboxId, serverProfile, credentials: await context.openCredentials() },
      end - closingMilliseconds,
    );
    try {
      return await work({ organization, mailbox, serverProfile, session, deadline: end - endMarginMilliseconds });
    } finally {
      await session.close();
    }
  } catch (error) {
    if (!(error instanceof TransportError)) throw error;
    const passes = error.class === 'transient' || error.class === 'throttled';
    if (passes && (await noteFailedAttempt(deps, organizationId, operation.id)) < attempts)
      return goOnLater(deps, named, delivery, retrySeconds);
    await finishOperation(deps, organizationId, operation.id, { status: 'failed', fault: error.fault });
    return { done: true };
  } finally {
    await place.leave();
  }
};
