import * as z from 'zod';
import type { EntityKind } from '../platform/entity-store.ts';
import { partition } from '../platform/records-table.ts';
import { entityShape } from '../platform/values.ts';

export const decisionStepNames = [
  'size',
  'processFrom',
  'restricted',
  'manual',
  'internal',
  'dedupe',
  'recipients',
  'filtering',
  'correlation',
  'sender',
  'owner',
] as const;

const decisionOutcomes = ['tracked', 'skipped', 'duplicate', 'setAside', 'retrying'] as const;

export const decisionStepSchema = z.object({
  step: z.enum(decisionStepNames),
  result: z.enum(['pass', 'fail', 'match', 'notApplicable']),
  detail: z.string(),
  inputs: z.record(z.string(), z.unknown()).optional(),
});
export type DecisionStep = z.output<typeof decisionStepSchema>;

/** What was decided before, where a message was decided about again. */
const formerDecisionSchema = z.object({
  decidedAt: z.string(),
  outcome: z.enum(decisionOutcomes),
  code: z.string().nullable(),
  emailId: z.string().nullable(),
  settingsVersion: z.number().int(),
  steps: z.array(decisionStepSchema),
});

/** Why a message was tracked or not: one per mailbox and message. Headers only. */
export const decisionSchema = z.object({
  ...entityShape,
  mailboxId: z.string(),
  folder: z.string(),
  uidValidity: z.string().optional(),
  uid: z.number().int().optional(),
  /** POP3: what the server calls the message; null: it has no names. UIDVALIDITY and UID are ours then. */
  uidl: z.string().nullable().optional(),
  messageId: z.string().nullable(),
  fromAddress: z.string().nullable(),
  subject: z.string().nullable(),
  receivedAt: z.string(),
  decidedAt: z.string(),
  outcome: z.enum(decisionOutcomes),
  code: z.string().nullable(),
  emailId: z.string().nullable(),
  reportsOn: z.array(z.string()).optional().meta({
    description: 'The sent emails whose delivery or reading this message reports on.',
  }),
  settingsVersion: z.number().int(),
  steps: z.array(decisionStepSchema),
  /** The newest first. */
  history: z.array(formerDecisionSchema).optional(),
});
export type Decision = z.output<typeof decisionSchema>;

export const decisionKind: EntityKind<Decision> = {
  kind: 'decision',
  prefix: 'dec',
  parse: (stored) => decisionSchema.parse(stored),
  indexes: (organizationId, decision) => ({
    mailboxKey: `${partition(organizationId, 'decision')}#${decision.mailboxId}`,
  }),
};

const mostFormer = 10;

/** The history of the decision that takes the place of this one. */
export const historyAfter = ({ decidedAt, outcome, code, emailId, settingsVersion, steps, history = [] }: Decision) => [
  { decidedAt, outcome, code, emailId, settingsVersion, steps },
  ...history.slice(0, mostFormer - 1),
];

/** When the table may drop a decision: epoch seconds. */
export const decisionExpiry = ({ decidedAt }: Pick<Decision, 'decidedAt'>, retentionDays: number): number =>
  Math.floor(Date.parse(decidedAt) / 1000) + retentionDays * 86_400;
