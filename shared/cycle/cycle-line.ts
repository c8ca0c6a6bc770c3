import * as z from 'zod';
import { cycleCountsSchema } from './cycle.ts';
import type { Verdict } from './cycle-delivery.ts';
import type { CycleSummary } from './cycle-summary.ts';
import { type CycleMessage, cycleMessageSchema } from './lane-message.ts';

/** What became of one message of a lane, as the log line of its invocation tells it; the saved queries read these. */
export const cycleLineSchema = z.strictObject({
  organizationId: z.string(),
  mailboxId: z.string(),
  workload: z.enum(['incoming', 'outgoing']),
  generation: z.int(),
  /** Why it began. */
  reason: cycleMessageSchema.shape.reason,
  outcome: z.string(),
  milliseconds: z.number().optional(),
  counts: cycleCountsSchema.optional(),
  code: z.string().optional(),
  level: z.enum(['mailbox', 'profile']).optional(),
  consecutiveFailures: z.int().optional(),
  disabled: z.boolean().optional(),
  nextRunAt: z.string().nullable().optional(),
  nextReason: z.string().optional(),
  waitSeconds: z.number().optional(),
});
export type CycleLine = z.output<typeof cycleLineSchema>;

/** Of the whole line. */
export const laneLineFields = ['lane', 'requestId', 'messages', 'outcomes', 'cycles'] as const;

const ofSummary = (summary: CycleSummary): Partial<CycleLine> => ({
  milliseconds: summary.completedAt - summary.startedAt,
  ...((summary.counts?.seen ?? 0) > 0 ? { counts: summary.counts } : {}),
  ...(summary.fault === undefined
    ? {}
    : {
        code: summary.fault.code,
        level: summary.level ?? 'mailbox',
        consecutiveFailures: summary.consecutiveFailures,
      }),
  ...(summary.disabled ? { disabled: true } : {}),
  nextRunAt: summary.nextDue === null ? null : new Date(summary.nextDue).toISOString(),
  nextReason: summary.nextReason,
});

const ofMessage = ({ organizationId, mailboxId, workload, generation, reason }: CycleMessage) => ({
  organizationId,
  mailboxId,
  workload,
  generation,
  reason,
});

/** Of a message that waits for a place of its organization; undefined where a fresh one waits in its stead. */
export const waitingLine = (message: CycleMessage, waitSeconds: number | undefined): CycleLine => ({
  ...ofMessage(message),
  outcome: 'waitsForShare',
  ...(waitSeconds === undefined ? {} : { waitSeconds }),
});

export const toCycleLine = (message: CycleMessage, verdict: Verdict): CycleLine => ({
  ...ofMessage(message),
  outcome: verdict.done ? verdict.outcome : 'pushedBack',
  ...(verdict.done
    ? verdict.cycle === undefined
      ? {}
      : ofSummary(verdict.cycle)
    : { waitSeconds: verdict.waitSeconds }),
});
