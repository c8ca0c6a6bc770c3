import type { LaneQueues } from '../platform/lane-queues.ts';
import { readThrottleItem } from '../throttle/throttle-item.ts';
import { presentDemand } from '../throttle/utilization.ts';
import { type Cycle, cycleSchema, isOfLaterRelease } from './cycle.ts';
import { type CycleName, readCycleKey } from './cycle-key.ts';
import { sendCycle } from './send-cycle.ts';

export interface WatchedOperation {
  readonly organizationId: string;
  readonly operationId: string;
  readonly group: string;
  readonly due: number;
  readonly deadline: number;
}

export interface WatchdogDependencies {
  /** Every item of the cycles table, in any order, in segments that are read at the same time. */
  readonly segments: readonly AsyncIterable<Readonly<Record<string, unknown>>>[];
  /** Undefined for items of other kinds. */
  readonly parseOperation: (item: Readonly<Record<string, unknown>>) => WatchedOperation | undefined;
  readonly queues: LaneQueues;
  /** Messages that wait in a lane's queue. */
  readonly backlog: (lane: string) => Promise<number>;
  /** False for organizations whose cycles rest on purpose, and for those that are gone. */
  readonly movesEmail: (organizationId: string) => Promise<boolean>;
  readonly resendOperation: (operation: WatchedOperation, occasion: string) => Promise<void>;
  /** Replaces the item of a cycle that cannot be read by what the mailbox says. */
  readonly rebuildCycle: (name: CycleName) => Promise<void>;
  readonly timeOutOperation: (operation: WatchedOperation) => Promise<void>;
  /** Looks after an item of another kind; false when it knows nothing of it. */
  readonly visitOther?: (item: Readonly<Record<string, unknown>>) => Promise<boolean>;
  /** Sees every cycle, for what is counted besides. */
  readonly onCycle?: (cycle: Cycle) => void;
  readonly now: () => Date;
  readonly periodSeconds: number;
  readonly visibilitySeconds: number;
}

export interface WatchdogFindings {
  /** Seconds by which the most overdue cycle of each lane is late; 0 when none is. */
  readonly latenessSeconds: Readonly<Record<Cycle['workload'], number>>;
  readonly resent: number;
  readonly timedOut: number;
  readonly rebuilt: number;
  readonly enabled: number;
  /** The highest of all connection counters: 1 is all that reading may use. */
  readonly connectionDemand: number;
  /** What kept single items from being looked after; all others were. */
  readonly errors: readonly unknown[];
}

/** Beyond the visibility time-out: the timer's own precision (60 s) and a message's way through the queue. */
const graceMilliseconds = 120_000;
/** A lane with this many messages waiting is late because it is busy; more messages would not help it. */
const backedUp = 2_000;
/** Most that one run sends per lane, so that a great loss is made good over several runs and not in one flood. */
const resendLimit = 5_000;
const parallelVisits = 20;

/**
 * Finds what should have run and did not, whatever lost it, and sends it again. Together with the redelivery of a crashed
 * run this keeps every enabled workload alive: a lost timer, a purged queue or a half-done enabling costs at most two
 * periods. Its message carries the period's number, so that two watchdogs of one period send one message.
 */
export const runWatchdog = async (deps: WatchdogDependencies): Promise<WatchdogFindings> => {
  const now = deps.now().getTime();
  const period = String(Math.floor(now / (deps.periodSeconds * 1000)));
  const overdueAfter = deps.visibilitySeconds * 1000 + graceMilliseconds;
  const lateness = { incoming: 0, outgoing: 0 };
  const counts = { incoming: 0, outgoing: 0, operations: 0 };
  const findings = { resent: 0, timedOut: 0, rebuilt: 0, enabled: 0, connectionDemand: 0 };
  const backlogs = new Map<string, Promise<number>>();
  const backlogOf = (lane: string): Promise<number> => {
    const known = backlogs.get(lane) ?? deps.backlog(lane);
    backlogs.set(lane, known);
    return known;
  };

  const takesMore = async (lane: keyof typeof counts): Promise<boolean> =>
    (await backlogOf(lane)) <= backedUp && counts[lane] < resendLimit;

  const visitCycle = async (cycle: Cycle): Promise<void> => {
    deps.onCycle?.(cycle);
    if (!cycle.enabled) return;
    findings.enabled += 1;
    if (cycle.due === null || cycle.due >= now) return;
    if (!(await deps.movesEmail(cycle.organizationId))) return;
    lateness[cycle.workload] = Math.max(lateness[cycle.workload], (now - cycle.due) / 1000);
    // Who waits for a turn is late and not lost; sent again it would only take another turn.
    if (Math.max(cycle.due, cycle.waitsUntil ?? 0) + overdueAfter > now) return;
    if (!(await takesMore(cycle.workload))) return;
    counts[cycle.workload] += 1;
    await sendCycle(deps.queues, cycle, 'watchdog', period);
    findings.resent += 1;
  };

  const visitOperation = async (operation: WatchedOperation): Promise<void> => {
    if (operation.deadline < now) {
      await deps.timeOutOperation(operation);
      findings.timedOut += 1;
    } else if (operation.due + overdueAfter < now && (await takesMore('operations'))) {
      counts.operations += 1;
      await deps.resendOperation(operation, period);
      findings.resent += 1;
    }
  };

  const errors: unknown[] = [];
  const guard = (visiting: Promise<void>): Promise<void> =>
    visiting.catch((error: unknown) => {
      errors.push(error);
    });

  const visit = async (item: Readonly<Record<string, unknown>>): Promise<void> => {
    const operation = deps.parseOperation(item);
    if (operation !== undefined) return visitOperation(operation);
    const counter = readThrottleItem(item);
    if (counter !== undefined) {
      findings.connectionDemand = Math.max(findings.connectionDemand, presentDemand(counter, now));
      return;
    }
    if ((await deps.visitOther?.(item)) === true) return;
    const cycle = cycleSchema.safeParse(item);
    if (cycle.success) return visitCycle(cycle.data);
    const name = readCycleKey(item);
    if (name === undefined) return;
    if (isOfLaterRelease(item))
      throw new Error(`A later release wrote the cycle ${name.workload} of ${name.mailboxId}: this one cannot run it`);
    await deps.rebuildCycle(name);
    findings.rebuilt += 1;
  };

  const walk = async (segment: AsyncIterable<Readonly<Record<string, unknown>>>): Promise<void> => {
    let pending: Promise<void>[] = [];
    for await (const item of segment) {
      pending.push(guard(visit(item)));
      if (pending.length < parallelVisits) continue;
      await Promise.all(pending);
      pending = [];
    }
    await Promise.all(pending);
  };
  await Promise.all(deps.segments.map(walk));
  return { ...findings, latenessSeconds: lateness, errors };
};
