import type { Organization } from '../organization/organization.ts';
import { createFault } from '../platform/fault.ts';
import type { Gate } from '../throttle/connection-gate.ts';
import { leaseMarginMilliseconds } from '../throttle/lease-margin.ts';
import { TransportError } from '../transport/transport-error.ts';
import { createCarefulMode } from './careful-mode.ts';
import type { Cycle } from './cycle.ts';
import { type CycleDependencies, type Delivery, done, type Verdict } from './cycle-delivery.ts';
import { FenceError } from './cycle-store.ts';
import { finishCycle } from './finish-cycle.ts';
import type { CycleResult } from './plan-next.ts';
import { crowdingReport } from './report-crowding.ts';
import type { RunContext } from './run-context.ts';
import { endMarginMilliseconds } from './run-time.ts';
import { waitForTurn } from './wait-for-turn.ts';

/** Takes a place at the server, does the work of the mailbox there, and finishes the cycle. */
export const runWithConnection = async (
  deps: CycleDependencies,
  cycle: Cycle,
  organization: Organization,
  delivery: Delivery,
  startedAt: number,
): Promise<Verdict> => {
  const start = { at: startedAt, reason: delivery.message.reason };
  const context = await deps.loader.context(organization, cycle.mailboxId, false);
  if (context === undefined) return done('stale');
  if (await isTurnedOff(deps, organization, context)) {
    const fault = createFault('invalidState', {
      detail: 'The server profile is inactive',
      fix: 'Set its status to active and enable the workload, or use another profile',
    });
    return finishCycle(deps, cycle, organization, context, start, { kind: 'inactive', fault });
  }
  const deadline = deps.now().getTime() + delivery.remainingMilliseconds;
  const gate = await deps.gate.enter({
    organizationId: cycle.organizationId,
    serverProfile: context.serverProfile,
    host: cycle.workload === 'incoming' ? context.serverProfile.incoming.host : context.serverProfile.outgoing.host,
    mailboxId: cycle.mailboxId,
    lane: cycle.workload,
    generation: cycle.generation,
    expiresAt: deadline + leaseMarginMilliseconds,
    hasTicket: delivery.receiveCount > 1 || delivery.message.reason === 'retry',
    probeUntil: deps.now().getTime() + organization.settings.schedule.retry.seconds * 1000,
  });
  if ('refused' in gate) {
    if (gate.refused !== 'paused') return waitForTurn(deps, cycle, delivery, gate.until);
    return finishCycle(deps, cycle, organization, context, start, {
      kind: 'failed',
      class: 'transient',
      level: 'profile',
      fault: gate.fault,
      retryAfterSeconds: (gate.until - deps.now().getTime()) / 1000,
      known: true,
    });
  }
  const result = await attempt(deps, cycle, organization, context, gate, Math.min(deadline, gate.until));
  if (result === 'fenced' || result === 'outdated') {
    await gate.leave();
    return result === 'fenced' ? done('fenced') : { done: false, waitSeconds: 1 };
  }
  const profileFault = result.kind === 'failed' && result.level === 'profile';
  if (profileFault)
    await gate.pauseProfile(deps.now().getTime() + organization.settings.schedule.retry.seconds * 1000, result.fault);
  else
    await gate.resumeProfile((standing) => deps.reporter.report(cycle, context, { type: 'profileResumed', standing }));
  // Before the place is given back, which notes that it has been told.
  if (gate.crowding !== undefined) await deps.reporter.report(cycle, context, crowdingReport(gate.crowding));
  // The socket is closed by now, so the place may be taken while the end of the run is still being written.
  const [, verdict] = await Promise.all([gate.leave(), finishCycle(deps, cycle, organization, context, start, result)]);
  return verdict;
};

const attempt = async (
  deps: CycleDependencies,
  cycle: Cycle,
  organization: Organization,
  context: RunContext,
  gate: Gate,
  deadline: number,
): Promise<CycleResult | 'fenced' | 'outdated'> => {
  const careful = gate.recovered || cycle.marker !== undefined ? createCarefulMode(deps.store, cycle) : undefined;
  try {
    const outcome = await deps.runner.run({
      organization,
      mailbox: context.mailbox,
      serverProfile: context.serverProfile,
      credentials: await context.openCredentials(),
      cycle,
      deadline: deadline - endMarginMilliseconds,
      careful,
      readingPausedUntil: gate.readingPausedUntil,
      now: deps.now,
      saveCursor: (folder, previous, next) => deps.store.saveCursor(cycle, folder, previous, next),
    });
    return { kind: 'completed', outcome, stretch: gate.stretch };
  } catch (error) {
    if (error instanceof FenceError) return 'fenced';
    if (error instanceof TransportError) {
      const { level, fault, retryAfterSeconds } = error;
      // A login just refused may have been read from a replica that had not seen the new credentials yet.
      if (error.class === 'refused' && (await isOutdated(deps, organization, context))) return 'outdated';
      return { kind: 'failed', class: error.class, level, fault, retryAfterSeconds };
    }
    await gate.leave();
    throw error;
  }
};

/** Looked at again before it counts: a replica may not know yet that the profile is active again. */
const isTurnedOff = async (
  deps: CycleDependencies,
  organization: Organization,
  { mailbox, serverProfile }: RunContext,
): Promise<boolean> =>
  serverProfile.status === 'inactive' &&
  (await deps.loader.context(organization, mailbox.id, true))?.serverProfile.status === 'inactive';

const isOutdated = async (
  deps: CycleDependencies,
  organization: Organization,
  context: RunContext,
): Promise<boolean> => {
  const fresh = await deps.loader.context(organization, context.mailbox.id, true);
  return (
    fresh !== undefined &&
    (fresh.mailbox.version !== context.mailbox.version || fresh.serverProfile.version !== context.serverProfile.version)
  );
};
