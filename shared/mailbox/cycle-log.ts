import * as z from 'zod';
import { cycleCountsSchema } from '../cycle/cycle.ts';
import type { CycleSummary } from '../cycle/cycle-summary.ts';
import { cycleMessageSchema } from '../cycle/lane-message.ts';
import type { EntityKind, EntityStore } from '../platform/entity-store.ts';
import { recordKey } from '../platform/records-table.ts';
import { entityShape } from '../platform/values.ts';

const shownShape = {
  at: z.string().meta({ description: 'When the cycle ended.' }),
  workload: z.enum(['incoming', 'outgoing']),
  outcome: z.enum(['completed', 'failed']),
  reason: cycleMessageSchema.shape.reason.meta({ description: 'Why the cycle began.' }),
  startedAt: z.string(),
  seconds: z.number(),
  counts: cycleCountsSchema.nullable(),
  backlog: z.int(),
  fault: z
    .object({ code: z.string(), detail: z.string(), level: z.enum(['mailbox', 'profile']) })
    .nullable()
    .meta({ description: 'What the cycle failed on.' }),
  consecutiveFailures: z.int(),
  disabled: z.boolean().meta({ description: 'The workload was turned off by this failure.' }),
  nextRunAt: z.string().nullable(),
  nextReason: z.string(),
};

/** A cycle of a mailbox that did something or failed. Stored under the mailbox and the end of the cycle, for a week. */
export const cycleLogEntrySchema = z.object({ ...entityShape, mailboxId: z.string(), ...shownShape });
export type CycleLogEntry = z.output<typeof cycleLogEntrySchema>;

export const cycleLogAnswerSchema = z.object(shownShape).meta({ id: 'CycleLogEntry' });

export const cycleLogKind: EntityKind<CycleLogEntry> = {
  kind: 'cycleLog',
  prefix: 'mbx',
  parse: (stored) => cycleLogEntrySchema.parse(stored),
};

export const presentCycleLogEntry = (entry: CycleLogEntry): z.output<typeof cycleLogAnswerSchema> => {
  const {
    id: _id,
    version: _version,
    createdAt: _createdAt,
    updatedAt: _updatedAt,
    mailboxId: _mailbox,
    ...shown
  } = entry;
  return shown;
};

const keptMilliseconds = 7 * 86_400_000;

/** The entries of a mailbox from then on; older ones than a week are gone, whether the table dropped them yet or not. */
export const cycleLogRange = (mailboxId: string, from: string | undefined, now: Date) => {
  const oldest = new Date(now.getTime() - keptMilliseconds).toISOString();
  return { from: `${mailboxId}#${from !== undefined && from > oldest ? from : oldest}`, to: `${mailboxId}#~` };
};

/** One write unit. Repeated after a crash it writes the same item again. */
export const writeCycleLog = async ({ table }: Pick<EntityStore, 'table'>, summary: CycleSummary): Promise<void> => {
  const { organizationId, mailboxId, workload, fault, level } = summary;
  const at = new Date(summary.completedAt).toISOString();
  const id = `${mailboxId}#${at}#${workload}`;
  const entry: CycleLogEntry = {
    id,
    version: 1,
    createdAt: at,
    updatedAt: at,
    mailboxId,
    at,
    workload,
    outcome: summary.outcome === 'failed' ? 'failed' : 'completed',
    reason: summary.reason,
    startedAt: new Date(summary.startedAt).toISOString(),
    seconds: (summary.completedAt - summary.startedAt) / 1000,
    counts: summary.counts ?? null,
    backlog: summary.backlog ?? 0,
    fault: fault === undefined ? null : { code: fault.code, detail: fault.detail, level: level ?? 'mailbox' },
    consecutiveFailures: summary.consecutiveFailures,
    disabled: summary.disabled,
    nextRunAt: summary.nextDue === null ? null : new Date(summary.nextDue).toISOString(),
    nextReason: summary.nextReason,
  };
  await table.write([
    {
      put: {
        ...recordKey(organizationId, cycleLogKind.kind, id),
        v: 1,
        kind: cycleLogKind.kind,
        organizationId,
        expiresAt: Math.ceil((summary.completedAt + keptMilliseconds) / 1000),
        entity: entry,
      },
    },
  ]);
};
