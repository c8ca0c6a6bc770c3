import { FaultError } from '../platform/fault.ts';
import type { ServerProfile } from '../server-profile/server-profile.ts';
import type { ConnectionGate, Gate } from '../throttle/connection-gate.ts';
import { leaseMarginMilliseconds } from '../throttle/lease-margin.ts';
import type { Dialler } from '../transport/connection.ts';
import type { MailboxSession } from '../transport/mailbox-session.ts';
import { toRequestFault } from '../transport/request-fault.ts';
import { TransportError } from '../transport/transport-error.ts';
import { type CredentialDependencies, openCredentials } from './credentials.ts';
import type { Mailbox } from './mailbox.ts';
import { type MailboxContext, requireMailbox } from './mailbox-context.ts';
import { openMailboxSession } from './open-mailbox-session.ts';
import { requireComplete } from './readiness.ts';

export interface VisitContext extends Pick<MailboxContext, 'store' | 'organization' | 'now'>, CredentialDependencies {
  readonly gate: ConnectionGate;
  readonly dialler: Dialler;
}

/** A request has 30 s in all; what is left is for the answer. */
const sessionMilliseconds = 20_000;
const placeMilliseconds = 6_000;

/** Waits a little for a place at the server: a request's connection counts against its limit like everything else. */
const enter = async (context: VisitContext, mailbox: Mailbox, serverProfile: ServerProfile): Promise<Gate> => {
  const { gate, organization, now } = context;
  const giveUpAt = now().getTime() + placeMilliseconds;
  for (let hasTicket = false; ; hasTicket = true) {
    const at = now().getTime();
    const answer = await gate.enter({
      organizationId: organization.id,
      serverProfile,
      host: serverProfile.incoming.host,
      mailboxId: mailbox.id,
      lane: 'operations',
      generation: 0,
      expiresAt: at + sessionMilliseconds + leaseMarginMilliseconds,
      hasTicket,
      ignoresPause: true,
      probeUntil: at,
    });
    if (!('refused' in answer)) return answer;
    const pause = Math.min(1_000, Math.max(100, answer.until - at));
    if (at + pause > giveUpAt)
      throw new FaultError('unavailable', { detail: 'All connections that the profile allows are in use' });
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
};

/**
 * Looks something up in a mailbox while a request waits for it.
 *
 * @throws FaultError notFound; invalidState when the mailbox is not complete or its server refuses it; unavailable when
 * the server does not answer now; both with the server's fault
 */
export const visitMailbox = async <Result>(
  context: VisitContext,
  mailboxId: string,
  look: (session: MailboxSession) => Promise<Result>,
): Promise<Result> => {
  const { store, organization, dialler, now } = context;
  const mailbox = await requireMailbox(context, mailboxId);
  const serverProfile = await requireComplete(context, mailbox);
  const place = await enter(context, mailbox, serverProfile);
  try {
    const credentials = await openCredentials(context, organization, mailbox, serverProfile);
    const session = await openMailboxSession(
      { table: store.table, dialler, now },
      { organizationId: organization.id, mailboxId, serverProfile, credentials },
      now().getTime() + sessionMilliseconds,
    );
    try {
      return await look(session);
    } finally {
      await session.close();
    }
  } catch (error) {
    throw error instanceof TransportError ? toRequestFault(error) : error;
  } finally {
    await place.leave();
  }
};
