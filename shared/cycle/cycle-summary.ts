import type { Fault } from '../platform/fault.ts';
import type { CycleCounts } from './cycle.ts';
import type { CycleMessage } from './lane-message.ts';

/** How a run went, for the log line of its invocation and for the mailbox's own log. */
export interface CycleSummary {
  readonly organizationId: string;
  readonly mailboxId: string;
  readonly workload: 'incoming' | 'outgoing';
  readonly generation: number;
  /** Why it began. */
  readonly reason: CycleMessage['reason'];
  readonly outcome: 'idle' | 'completed' | 'failed';
  readonly startedAt: number;
  readonly completedAt: number;
  readonly counts?: CycleCounts | undefined;
  readonly backlog?: number | undefined;
  readonly fault?: Fault | undefined;
  readonly level?: 'mailbox' | 'profile' | undefined;
  readonly consecutiveFailures: number;
  readonly disabled: boolean;
  readonly nextDue: number | null;
  readonly nextReason: string;
}

/** What a run that met a limit notes as the reason of the next one. */
const limitReasons: ReadonlySet<string> = new Set([
  'maxMessages',
  'maxBytes',
  'maxSeconds',
  'slicesPerHour',
  'quotaReached',
]);

/** Worth an entry of its own: something was seen or failed, is well again, or waits for a limit. */
export const isNotable = (summary: CycleSummary, failedBefore: boolean): boolean =>
  summary.outcome === 'failed' ||
  failedBefore ||
  (summary.counts?.seen ?? 0) > 0 ||
  limitReasons.has(summary.nextReason);
