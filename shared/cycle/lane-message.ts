import * as z from 'zod';

/** What starts a run of a lane. Handlers accept this version and the one before it. */
export const cycleMessageSchema = z.object({
  v: z.literal(1),
  organizationId: z.string(),
  mailboxId: z.string(),
  workload: z.enum(['incoming', 'outgoing']),
  generation: z.int().nonnegative(),
  reason: z.enum(['timer', 'wake', 'sync', 'continue', 'enable', 'watchdog', 'retry']),
  /** Makes the body of a repeated message differ, since an equal body within five minutes is swallowed. */
  occasion: z.string().optional(),
});
export type CycleMessage = z.output<typeof cycleMessageSchema>;

/** Group: the subject of the operation, so that two operations on one mailbox or profile run one after the other. */
export const operationMessageSchema = z.object({
  v: z.literal(1),
  organizationId: z.string(),
  mailboxId: z.string(),
  workload: z.literal('operations'),
  operationId: z.string(),
  occasion: z.string().optional(),
});
export type OperationMessage = z.output<typeof operationMessageSchema>;

/** Rings for a webhook, which is also the group (`mailboxId`, as in every message of a lane). */
export const webhookMessageSchema = z.object({
  v: z.literal(1),
  organizationId: z.string(),
  mailboxId: z.string(),
  workload: z.literal('webhooks'),
  reason: z.enum(['feed', 'changed', 'continue', 'timer', 'replay', 'watchdog']),
  /** The end of the feed that it rings for: who is there already has nothing to do. */
  sequence: z.int().nonnegative().optional(),
  occasion: z.string().optional(),
});
export type WebhookMessage = z.output<typeof webhookMessageSchema>;

export const laneMessageSchema = z.union([cycleMessageSchema, operationMessageSchema, webhookMessageSchema]);
