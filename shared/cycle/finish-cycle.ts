import type { Organization } from '../organization/organization.ts';
import { armCycle, timerName } from './arm-cycle.ts';
import type { Cycle } from './cycle.ts';
import { type CycleDependencies, done, earlyReasons, type RunEnd, type Verdict } from './cycle-delivery.ts';
import { FenceError } from './cycle-store.ts';
import { type CycleSummary, isNotable } from './cycle-summary.ts';
import type { CycleMessage } from './lane-message.ts';
import { type CycleResult, planNext } from './plan-next.ts';
import type { RunContext } from './run-context.ts';

/** Tells the synchronize operations that a run has answered how it ended, and forgets them. Can be repeated. */
export const reportAnswered = async (
  deps: CycleDependencies,
  cycle: Cycle,
  operationIds: ReadonlySet<string> | undefined,
  end: RunEnd,
): Promise<void> => {
  if (operationIds === undefined || operationIds.size === 0) return;
  const ids = [...operationIds];
  await deps.reporter.synchronized(cycle, ids, end);
  await deps.store.forgetSynchronized(cycle, ids);
};

const endOf = (result: CycleResult): RunEnd =>
  result.kind === 'completed'
    ? { succeeded: true, counts: result.outcome.counts }
    : { succeeded: false, fault: result.fault };

/** Completes, arms, reports. Whatever of it a crash leaves out, the redelivery or the watchdog makes up for. */
export const finishCycle = async (
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
    await reportAnswered(deps, completed, new Set(answered), endOf(result));
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
