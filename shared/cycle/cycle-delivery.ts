import type { Fault } from '../platform/fault.ts';
import type { LaneQueues } from '../platform/lane-queues.ts';
import type { Timers } from '../platform/timers.ts';
import type { ConnectionGate } from '../throttle/connection-gate.ts';
import type { Cycle, CycleCounts } from './cycle.ts';
import type { CycleStore } from './cycle-store.ts';
import type { CycleSummary } from './cycle-summary.ts';
import type { CycleMessage } from './lane-message.ts';
import type { WorkloadReport } from './plan-next.ts';
import type { ContextLoader, RunContext } from './run-context.ts';
import type { WorkloadRunner } from './workload.ts';

/** How a delivery ended: acknowledged, or to be delivered again after a short wait. */
export type Verdict =
  | { readonly done: true; readonly outcome: CycleOutcome; readonly cycle?: CycleSummary }
  | { readonly done: false; readonly waitSeconds: number };
export type CycleOutcome = 'stale' | 'suspended' | 'idle' | 'completed' | 'failed' | 'fenced' | 'waiting';

/** How a run ended; neither counts nor fault where another run tells it in the place of the one that died. */
export interface RunEnd {
  readonly succeeded: boolean;
  readonly counts?: CycleCounts;
  readonly fault?: Fault;
}

/** Tells people and synchronize operations how a run ended. Each call can be repeated. */
export interface CycleReporter {
  report(cycle: Cycle, context: RunContext | undefined, report: WorkloadReport): Promise<void>;
  /** Enters a run that did something or failed into the log of its mailbox. */
  note(summary: CycleSummary): Promise<void>;
  synchronized(cycle: Cycle, operationIds: readonly string[], end: RunEnd): Promise<void>;
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

export interface Delivery {
  readonly message: CycleMessage;
  /** How often the queue has delivered this message, from 1. */
  readonly receiveCount: number;
  /** Milliseconds until the function is stopped. */
  readonly remainingMilliseconds: number;
}

/** The delivery is acknowledged. */
export const done = (outcome: CycleOutcome): Verdict => ({ done: true, outcome });

/** Reasons for which a run starts while a timer may still stand for the same generation. */
export const earlyReasons: ReadonlySet<CycleMessage['reason']> = new Set(['sync', 'wake']);
