import type { Verdict } from '../../shared/cycle/cycle-delivery.ts';
import { toCycleLine, waitingLine } from '../../shared/cycle/cycle-line.ts';
import { cycleMessageSchema } from '../../shared/cycle/lane-message.ts';
import { runCycle } from '../../shared/cycle/run-cycle.ts';
import { endMarginMilliseconds } from '../../shared/cycle/run-time.ts';
import type { WorkloadRunner } from '../../shared/cycle/workload.ts';
import { createCycleReporter } from '../../shared/mailbox/cycle-reporter.ts';
import type { SynchronizedWorkload } from '../../shared/mailbox/mailbox.ts';
import { laneMetricNames } from '../../shared/platform/metric-names.ts';
import type { LaneServices } from './create-lane-services.ts';
import { createLaneTimers } from './create-lane-timers.ts';
import { type Counts, count, createLaneHandler, type LaneInvocation } from './lane-handler.ts';

/** What a delivery counts as; stale ones count as nothing. */
const metricOf = (verdict: Verdict): string | undefined => {
  if (!verdict.done || verdict.outcome === 'waiting') return laneMetricNames.cyclesWaiting;
  if (verdict.cycle === undefined) return undefined;
  return verdict.outcome === 'failed' ? laneMetricNames.cyclesFailed : laneMetricNames.cyclesCompleted;
};

/**
 * Requests to AWS for each cycle of an invocation in which every cycle was idle: the figure by which cost drifts, and
 * which nothing but the code changes.
 */
const createIdleGauge = () => {
  const seen = new WeakMap<LaneInvocation, { cycles: number; allIdle: boolean }>();
  return {
    add: (invocation: LaneInvocation, verdict: Verdict): void => {
      const state = seen.get(invocation) ?? { cycles: 0, allIdle: true };
      const summary = verdict.done ? verdict.cycle : undefined;
      state.cycles += 1;
      state.allIdle &&= summary?.outcome === 'completed' && (summary.counts?.seen ?? 0) === 0;
      seen.set(invocation, state);
    },
    conclude: (invocation: LaneInvocation, requests: number): void => {
      const state = seen.get(invocation);
      if (state?.allIdle === true)
        invocation.counts.set(laneMetricNames.idleRequestsPerCycle, Math.round((requests / state.cycles) * 100) / 100);
    },
  };
};

/** The handler of a lane that runs cycles of mailboxes; a runner that counts for the metrics is made per invocation. */
export const createCycleLaneHandler = (
  lane: SynchronizedWorkload,
  services: LaneServices,
  runner: WorkloadRunner | ((counts: Counts) => WorkloadRunner),
) => {
  const timers = createLaneTimers();
  const idle = createIdleGauge();
  const process: Parameters<typeof createLaneHandler>[2] = async (record, invocation) => {
    const remainingMilliseconds = invocation.remainingMilliseconds();
    // The messages of the group before this one have used the time up; a server given none would seem not to answer.
    if (remainingMilliseconds < endMarginMilliseconds) return { done: false, waitSeconds: 1 };
    const message = cycleMessageSchema.parse(JSON.parse(record.body));
    const verdict = await runCycle(
      {
        store: services.cycleStore,
        gate: services.gate,
        timers,
        queues: services.queues,
        loader: services.loader,
        runner: typeof runner === 'function' ? runner(invocation.counts) : runner,
        reporter: createCycleReporter({
          ...services,
          onDisabled: () => count(invocation.counts, laneMetricNames.mailboxesDisabled),
        }),
        now: services.now,
        random: services.random,
      },
      {
        message,
        receiveCount: record.receiveCount,
        remainingMilliseconds,
      },
    );
    const metric = metricOf(verdict);
    if (metric !== undefined) count(invocation.counts, metric);
    if (lane === 'incoming') idle.add(invocation, verdict);
    return { ...verdict, line: toCycleLine(message, verdict) };
  };
  return createLaneHandler(lane, services.queues, process, {
    sharing: services.sharingOf(lane),
    describeWait: (record, waitSeconds) => {
      const message = cycleMessageSchema.safeParse(JSON.parse(record.body));
      return message.success ? waitingLine(message.data, waitSeconds) : undefined;
    },
    conclude: idle.conclude,
  });
};
