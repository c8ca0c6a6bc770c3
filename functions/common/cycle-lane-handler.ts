import { cycleMessageSchema } from '../../shared/cycle/lane-message.ts';
import { runCycle } from '../../shared/cycle/run-cycle.ts';
import type { WorkloadRunner } from '../../shared/cycle/workload.ts';
import { createCycleReporter } from '../../shared/mailbox/cycle-reporter.ts';
import type { SynchronizedWorkload } from '../../shared/mailbox/mailbox.ts';
import { laneMetricNames } from '../../shared/platform/metric-names.ts';
import type { LaneServices } from './create-lane-services.ts';
import { type Counts, count, createLaneHandler } from './lane-handler.ts';

/** The handler of a lane that runs cycles of mailboxes; a runner that counts for the metrics is made per invocation. */
export const createCycleLaneHandler = (
  lane: SynchronizedWorkload,
  services: LaneServices,
  runner: WorkloadRunner | ((counts: Counts) => WorkloadRunner),
) =>
  createLaneHandler(lane, services.queues, (record, invocation) =>
    runCycle(
      {
        store: services.cycleStore,
        gate: services.gate,
        timers: services.timers,
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
        remainingMilliseconds: invocation.remainingMilliseconds(),
      },
    ),
  );
