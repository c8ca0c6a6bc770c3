import { cycleMessageSchema } from '../../shared/cycle/lane-message.ts';
import { runCycle } from '../../shared/cycle/run-cycle.ts';
import { endMarginMilliseconds } from '../../shared/cycle/run-time.ts';
import type { WorkloadRunner } from '../../shared/cycle/workload.ts';
import { createCycleReporter } from '../../shared/mailbox/cycle-reporter.ts';
import type { SynchronizedWorkload } from '../../shared/mailbox/mailbox.ts';
import { laneMetricNames } from '../../shared/platform/metric-names.ts';
import type { LaneServices } from './create-lane-services.ts';
import { createLaneTimers } from './create-lane-timers.ts';
import { type Counts, count, createLaneHandler } from './lane-handler.ts';

/** The handler of a lane that runs cycles of mailboxes; a runner that counts for the metrics is made per invocation. */
export const createCycleLaneHandler = (
  lane: SynchronizedWorkload,
  services: LaneServices,
  runner: WorkloadRunner | ((counts: Counts) => WorkloadRunner),
) => {
  const timers = createLaneTimers();
  return createLaneHandler(lane, services.queues, async (record, invocation) => {
    const remainingMilliseconds = invocation.remainingMilliseconds();
    // The messages of the group before this one have used the time up; a server given none would seem not to answer.
    if (remainingMilliseconds < endMarginMilliseconds) return { done: false, waitSeconds: 1 };
    return runCycle(
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
        message: cycleMessageSchema.parse(JSON.parse(record.body)),
        receiveCount: record.receiveCount,
        remainingMilliseconds,
      },
    );
  });
};
