import * as z from 'zod';
import { type Cycle, cycleCountsSchema } from '../cycle/cycle.ts';
import type { Settings } from '../organization/settings.ts';
import { type Mailbox, type SynchronizedWorkload, synchronizedWorkloads, workloadStateSchema } from './mailbox.ts';
import { describeWaiting, type Waiting, type WaitingLines, waitingSchema } from './waiting.ts';
import { runs } from './workload-state.ts';

export const healthSchema = z.enum(['ok', 'late', 'failing', 'off']);
export type Health = z.output<typeof healthSchema>;

const phaseSchema = z.enum(['armed', 'queued', 'running', 'none']);

const workloadScheduleSchema = z.object({
  state: workloadStateSchema,
  phase: phaseSchema.optional(),
  nextRunAt: z.string().nullable().optional(),
  reason: z.string().nullable().optional(),
  waiting: waitingSchema.nullable().optional(),
  lastStartedAt: z.string().nullable().optional(),
  lastCompletedAt: z.string().nullable().optional(),
  lastSuccessAt: z.string().nullable().optional(),
  consecutiveFailures: z.int().optional(),
  lastCounts: cycleCountsSchema.nullable().optional(),
  backlog: z.int().optional(),
  overdue: z.boolean().optional(),
});
type WorkloadSchedule = z.output<typeof workloadScheduleSchema>;

/** When a mailbox runs and how it fares, as the API shows it. */
export const mailboxScheduleSchema = z
  .object({
    mailboxId: z.string(),
    health: healthSchema,
    workloads: z.object({
      incoming: workloadScheduleSchema,
      outgoing: workloadScheduleSchema,
      act: workloadScheduleSchema,
    }),
  })
  .meta({ id: 'MailboxSchedule' });
export type MailboxSchedule = z.output<typeof mailboxScheduleSchema>;

export interface ScheduleInput {
  readonly mailbox: Mailbox;
  readonly cycles: Partial<Record<SynchronizedWorkload, Cycle>>;
  /** Workloads whose run holds a connection now. */
  readonly running: ReadonlySet<SynchronizedWorkload>;
  /** Where those wait who are due; absent: nobody has looked. */
  readonly lines?: Readonly<Record<SynchronizedWorkload, WaitingLines>>;
  /** Why nothing of the organization runs, on purpose. */
  readonly standstill?: Waiting | undefined;
  readonly schedule: Settings['schedule'];
  readonly minPollingMinutes: number;
  readonly now: Date;
}

/** A timer is precise to a minute; the rest is the way through the queue and the wait for a connection. */
const slackMilliseconds = 240_000;

/** The longest that a policy lets pass between two cycles, in seconds. */
const longestInterval = (schedule: Settings['schedule'], minPollingMinutes: number): number => {
  const byPolicy = { current: schedule.incoming.seconds, adaptive2018: 720, idle2013: 4 * 3600 };
  return Math.max(byPolicy[schedule.incoming.policy], minPollingMinutes * 60) * (1 + schedule.jitterPercent / 100);
};

const isOverdue = (cycle: Cycle, isRunning: boolean, now: number): boolean =>
  cycle.enabled && cycle.due !== null && !isRunning && cycle.due + slackMilliseconds < now;

/** Why a run that had something to do ended without having done it, and without a strike. */
const keptReasons: ReadonlySet<string> = new Set(['profilePaused', 'throttled']);

/** Health is the time since the last success, never a stored mark. */
const healthOf = (input: ScheduleInput, name: SynchronizedWorkload): Health => {
  const workload = input.mailbox.workloads[name];
  const cycle = input.cycles[name];
  if (workload.state === 'disabled' && workload.disabledBy === 'permanentError') return 'failing';
  if (!runs(workload.state) || input.standstill !== undefined) return 'off';
  const now = input.now.getTime();
  // Without a cycle there is nothing that could run: the watchdog or the next request has to start it.
  if (cycle === undefined) return 'late';
  const overdue = isOverdue(cycle, input.running.has(name), now);
  const isUnharmed = cycle.consecutiveFailures === 0 && !(cycle.due !== null && keptReasons.has(cycle.reason ?? ''));
  // An outgoing workload with nothing to send rests, however long ago it last succeeded.
  const rests = name === 'outgoing' && isUnharmed;
  const allowed =
    (longestInterval(input.schedule, input.minPollingMinutes) + input.schedule.retry.seconds) * 1000 +
    slackMilliseconds;
  const sinceSuccess = cycle.lastSuccessAt === undefined ? undefined : now - cycle.lastSuccessAt;
  const recent = rests || (sinceSuccess === undefined ? isUnharmed : sinceSuccess <= allowed);
  if (recent && !overdue) return 'ok';
  return cycle.consecutiveFailures > 0 ? 'failing' : 'late';
};

const ranking: readonly Health[] = ['failing', 'late', 'ok', 'off'];

/** The worst of what its workloads show. */
export const mailboxHealth = (input: ScheduleInput): Health => {
  const found = synchronizedWorkloads.map((name) => healthOf(input, name));
  return ranking.find((health) => found.includes(health)) ?? 'off';
};

const instant = (milliseconds: number | null | undefined): string | null =>
  milliseconds == null ? null : new Date(milliseconds).toISOString();

const phaseOf = (cycle: Cycle, isRunning: boolean, now: number): z.output<typeof phaseSchema> => {
  if (isRunning) return 'running';
  if (!cycle.enabled || cycle.due === null) return 'none';
  return cycle.due <= now ? 'queued' : 'armed';
};

const nobodyWaits: WaitingLines = { connection: 0, share: 0 };

const describeWorkload = (input: ScheduleInput, name: SynchronizedWorkload): WorkloadSchedule => {
  const { state } = input.mailbox.workloads[name];
  const cycle = input.cycles[name];
  if (cycle === undefined) return { state, phase: 'none', nextRunAt: null, reason: null };
  const now = input.now.getTime();
  const isRunning = input.running.has(name);
  const standstill = isRunning ? undefined : input.standstill;
  return {
    state,
    phase: standstill === undefined ? phaseOf(cycle, isRunning, now) : 'none',
    nextRunAt: cycle.enabled && standstill === undefined ? instant(cycle.due) : null,
    reason: cycle.enabled ? (cycle.reason ?? 'enabled') : null,
    waiting:
      cycle.enabled && cycle.due !== null && standstill !== undefined
        ? standstill
        : describeWaiting(cycle, input.lines?.[name] ?? nobodyWaits, { isRunning, now }),
    lastStartedAt: instant(cycle.lastStartedAt),
    lastCompletedAt: instant(cycle.lastCompletedAt),
    lastSuccessAt: instant(cycle.lastSuccessAt),
    consecutiveFailures: cycle.consecutiveFailures,
    lastCounts: cycle.lastCounts ?? null,
    backlog: cycle.backlog ?? 0,
    overdue: standstill === undefined && isOverdue(cycle, isRunning, now),
  };
};

/** Pure: everything it tells comes from the cycles, the mailbox and the clock. */
export const describeSchedule = (input: ScheduleInput): MailboxSchedule => ({
  mailboxId: input.mailbox.id,
  health: mailboxHealth(input),
  workloads: {
    incoming: describeWorkload(input, 'incoming'),
    outgoing: describeWorkload(input, 'outgoing'),
    act: { state: input.mailbox.workloads.act.state },
  },
});
