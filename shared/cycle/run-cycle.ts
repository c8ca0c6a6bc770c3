import { movesEmail, type Organization } from '../organization/organization.ts';
import { createFault } from '../platform/fault.ts';
import type { LaneQueues } from '../platform/lane-queues.ts';
import type { Timers } from '../platform/timers.ts';
import type { ConnectionGate, Gate } from '../throttle/connection-gate.ts';
import { TransportError } from '../transport/transport-error.ts';
import { armCycle, armTurn, timerName } from './arm-cycle.ts';
import { createCarefulMode } from './careful-mode.ts';
import type { Cycle } from './cycle.ts';
import { type CycleStore, FenceError } from './cycle-store.ts';
import { type CycleSummary, isNotable } from './cycle-summary.ts';
import type { CycleMessage } from './lane-message.ts';
import { type CycleResult, planNext, type WorkloadReport } from './plan-next.ts';
import { crowdingReport } from './report-crowding.ts';
import type { ContextLoader, RunContext } from './run-context.ts';
import { endMarginMilliseconds } from './run-time.ts';
import type { WorkloadRunner } from './workload.ts';

/** How a delivery ended: acknowledged, or to be delivered again after a short wait. */
export type Verdict =
  | { readonly done: true; readonly outcome: CycleOutcome; readonly cycle?: CycleSummary }
  | { readonly done: false; readonly waitSeconds: number };
export type CycleOutcome = 'stale' | 'suspended' | 'idle' | 'completed' | 'failed' | 'fenced' | 'waiting';

/** Tells people and synchronize operations how a run ended. Each call can be repeated. */
export interface CycleReporter {
  report(cycle: Cycle, context: RunContext | undefined, report: WorkloadReport): Promise<void>;
  /** Enters a run that did something or failed into the log of its mailbox. */
  note(summary: CycleSummary): Promise<void>;
  synchronized(cycle: Cycle, operationIds: readonly string[], succeeded: boolean): Promise<void>;
}

export interface CycleDependencies {
  readonly store: CycleStore;
  readonly gate: ConnectionGate;
  readonly timers: Timers;
  readonly queues: LaneQueues;
  readonly loader: ContextLoader;
  readonly runner: WorkloadRunner;
  readonly reporter: CycleReporter;
  readonly now: () => Date;
  readonly random: () => number;
}

/** Reasons for which a run starts while a timer may still stand for the same generation. */
const earlyReasons: ReadonlySet<CycleMessage['reason']> = new Set(['sync', 'wake']);

export interface Delivery {
  readonly message: CycleMessage;
  /** How often the queue has delivered this message, from 1. */
  readonly receiveCount: number;
  /** Milliseconds until the function is stopped. */
  readonly remainingMilliseconds: number;
}

const leaseMarginMilliseconds = 5_000;
/** Longer waits complete the cycle and arm a timer, so that the message does not hold its group. */
const longestShortWaitMilliseconds = 120_000;
/** After so many deliveries of one message a fresh one goes on waiting, well before the queue gives the message up. */
const deliveriesBeforeFreshMessage = 40;
const earlyToleranceMilliseconds = 1_000;

const done = (outcome: CycleOutcome): Verdict => ({ done: true, outcome });

/**
 * A timer was armed long enough ago for every replica to know its generation. Should something have happened to the cycle
 * since, a run meets it at its lease, its cursor or its end, as one does that was overtaken after a strong read. What
 * would not run at all is read again: a replica must not be the reason for it.
 */
const readCycle = async ({ store }: CycleDependencies, { message, receiveCount }: Delivery) => {
  const { organizationId, mailboxId, workload, generation, reason } = message;
  if (reason === 'timer' && receiveCount === 1) {
    const cycle = await store.read(organizationId, mailboxId, workload, 'eventual');
    if (cycle?.enabled === true && cycle.generation === generation && cycle.due !== null) return cycle;
  }
  return store.read(organizationId, mailboxId, workload);
};

/** One delivery of one cycle. Throws only on defects and when AWS fails: the queue then delivers it again. */
export const runCycle = async (deps: CycleDependencies, delivery: Delivery): Promise<Verdict> => {
  const { message } = delivery;
  const startedAt = deps.now().getTime();
  const cycle = await readCycle(deps, delivery);
  if (cycle === undefined) return done('stale');
  await reportAnswered(deps, cycle, cycle.synchronized, cycle.lastSuccessAt === cycle.lastCompletedAt);
  if (!cycle.enabled || message.generation > cycle.generation) return done('stale');
  if (message.generation < cycle.generation) {
    // The run of this message may have died between completing and arming: arming again costs one call and saves it.
    if (message.generation === cycle.generation - 1) await armCycle(deps, cycle);
    return done('stale');
  }
  if (cycle.due === null) return done('idle');

  const organization = await deps.loader.organization(cycle.organizationId);
  if (organization === undefined) return done('stale');
  if (!movesEmail(organization)) return done('suspended');

  const waitsUntil = earlyReasons.has(message.reason) ? 0 : (cycle.waitsUntil ?? 0);
  const startsAt = Math.max(cycle.due, waitsUntil);
  if (startsAt - startedAt > earlyToleranceMilliseconds) return waitFor(deps, cycle, delivery, startsAt);

  if (deps.runner.look !== undefined) {
    const look = await deps.runner.look(cycle.organizationId, cycle.mailboxId, deps.now());
    if (!look.due && cycle.probing !== true)
      return finish(
        deps,
        cycle,
        organization,
        undefined,
        { at: startedAt, reason: message.reason },
        {
          kind: 'completed',
          stretch: 1,
          outcome: {
            counts: { seen: 0, tracked: 0, skipped: 0, failed: 0 },
            more: false,
            backlog: 0,
            nextDue: look.nextDue,
          },
        },
      );
  }
  return runWithConnection(deps, cycle, organization, delivery, startedAt);
};

const reportAnswered = async (
  deps: CycleDependencies,
  cycle: Cycle,
  operationIds: ReadonlySet<string> | undefined,
  succeeded: boolean,
): Promise<void> => {
  if (operationIds === undefined || operationIds.size === 0) return;
  const ids = [...operationIds];
  await deps.reporter.synchronized(cycle, ids, succeeded);
  await deps.store.forgetSynchronized(cycle, ids);
};

/** All places are taken. A long wait is noted in the cycle, so that nobody takes it for lost and takes another turn. */
const waitForTurn = async (
  deps: CycleDependencies,
  cycle: Cycle,
  delivery: Delivery,
  until: number,
): Promise<Verdict> => {
  if (until - deps.now().getTime() <= longestShortWaitMilliseconds) return waitFor(deps, cycle, delivery, until);
  try {
    await deps.store.postpone(cycle, until);
  } catch (error) {
    if (error instanceof FenceError) return done('fenced');
    throw error;
  }
  await armTurn(deps.timers, cycle, until);
  return done('waiting');
};

/** Gives the message back for a short wait; for a long one, or after many, arms what starts it anew. */
const waitFor = async (deps: CycleDependencies, cycle: Cycle, delivery: Delivery, until: number): Promise<Verdict> => {
  const now = deps.now().getTime();
  if (until - now > longestShortWaitMilliseconds) {
    if (cycle.waitsUntil === until) await armTurn(deps.timers, cycle, until);
    else await armCycle(deps, { ...cycle, due: until });
    return done('waiting');
  }
  if (delivery.receiveCount >= deliveriesBeforeFreshMessage) {
    await deps.queues.send(cycle.workload, cycle.mailboxId, `${timerName(cycle)}.${now}`, {
      ...delivery.message,
      reason: 'retry',
      occasion: String(now),
    });
    return done('waiting');
  }
  return { done: false, waitSeconds: Math.max(1, Math.ceil((until - now) / 1000)) };
};

const runWithConnection = async (
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
    return finish(deps, cycle, organization, context, start, { kind: 'inactive', fault });
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
    return finish(deps, cycle, organization, context, start, {
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
  else {
    const resumed = await gate.resumeProfile();
    if (resumed !== undefined) await deps.reporter.report(cycle, context, { type: 'profileResumed', ...resumed });
  }
  // Before the place is given back, which notes that it has been told.
  if (gate.crowding !== undefined) await deps.reporter.report(cycle, context, crowdingReport(gate.crowding));
  // The socket is closed by now, so the place may be taken while the end of the run is still being written.
  const [, verdict] = await Promise.all([gate.leave(), finish(deps, cycle, organization, context, start, result)]);
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

/** Completes, arms, reports. Whatever of it a crash leaves out, the redelivery or the watchdog makes up for. */
const finish = async (
  deps: CycleDependencies,
  cycle: Cycle,
  organization: Organization,
  context: RunContext | undefined,
  start: { readonly at: number; readonly reason: CycleMessage['reason'] },
  result: CycleResult,
): Promise<Verdict> => {
  const startedAt = start.at;
  const startedEarly = cycle.workload === 'incoming' && earlyReasons.has(start.reason);
  const completedAt = deps.now().getTime();
  const credentialWorked = context !== undefined && cycle.workedCredential === context.credentialStamp;
  const next = planNext({
    cycle,
    result,
    settings: organization.settings,
    minPollingMinutes: context?.serverProfile.minPollingMinutes ?? 0,
    credentialWorked,
    faultShown: context !== undefined && context.mailbox.workloads[cycle.workload].fault !== null,
    now: completedAt,
    random: deps.random(),
  });
  // Before completing, so that a crash in between repeats the report instead of losing it.
  if (next.report !== undefined) await deps.reporter.report(cycle, context, next.report);
  const answered = result.kind === 'completed' && result.outcome.more ? [] : [...(cycle.synchronizations ?? [])];
  const completion = {
    next,
    startedAt,
    completedAt,
    counts: result.kind === 'completed' && context !== undefined ? result.outcome.counts : undefined,
    backlog: result.kind === 'completed' ? result.outcome.backlog : undefined,
    workedCredential:
      result.kind === 'completed' && context !== undefined && !credentialWorked ? context.credentialStamp : undefined,
    synchronized: answered,
  };
  try {
    let completed = await deps.store.complete(cycle, { ...completion, evenIfWoken: false });
    if (completed === 'woken')
      completed = await deps.store.complete(cycle, {
        ...completion,
        next: next.enabled ? { ...next, due: completedAt, reason: 'wake' } : next,
        evenIfWoken: true,
      });
    if (completed === 'woken') return done('fenced');
    await armCycle(deps, completed);
    // A run that did not wait for its timer leaves it behind; firing would cost a needless start.
    if (startedEarly) await deps.timers.disarm(timerName(cycle));
    await reportAnswered(deps, completed, new Set(answered), result.kind === 'completed');
  } catch (error) {
    if (error instanceof FenceError) return done('fenced');
    throw error;
  }
  const outcome = result.kind === 'completed' ? (context === undefined ? 'idle' : 'completed') : 'failed';
  const summary: CycleSummary = {
    organizationId: cycle.organizationId,
    mailboxId: cycle.mailboxId,
    workload: cycle.workload,
    generation: cycle.generation,
    reason: start.reason,
    outcome,
    startedAt,
    completedAt,
    counts: completion.counts,
    backlog: completion.backlog,
    fault: result.kind === 'completed' ? undefined : result.fault,
    level: result.kind === 'completed' ? undefined : result.kind === 'failed' ? result.level : 'profile',
    consecutiveFailures: next.consecutiveFailures,
    disabled: !next.enabled || next.report?.type === 'disabled',
    nextDue: next.due,
    nextReason: next.reason,
  };
  // The cycle is over and armed by now: a crash in between costs the entry and nothing else.
  if (isNotable(summary, cycle.consecutiveFailures > 0)) await deps.reporter.note(summary);
  return { done: true, outcome, cycle: summary };
};
