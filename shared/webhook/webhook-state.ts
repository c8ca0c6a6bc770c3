import * as z from 'zod';
import { faultSchema } from '../platform/fault.ts';

/** A range of the feed that is sent once more, before what is new. */
const replaySchema = z.object({
  operationId: z.string(),
  /** The last event that was sent again; first the one before the range. */
  sequence: z.int().nonnegative(),
  to: z.int().nonnegative(),
  total: z.int().nonnegative(),
});
export type WebhookReplay = z.output<typeof replaySchema>;

/**
 * How far a webhook has come: an item of the cycles table, small and written often, that the watchdog sees. Instants
 * are epoch milliseconds.
 */
export const webhookStateSchema = z.object({
  v: z.literal(1),
  organizationId: z.string(),
  webhookId: z.string(),
  enabled: z.boolean(),
  /** The version of the webhook that this state follows. */
  version: z.int(),
  epoch: z.string(),
  /** The last event that is done with. */
  sequence: z.int().nonnegative(),
  /** Failed attempts at the event after that. */
  attempts: z.int().nonnegative(),
  /** The next attempt; null: as soon as there is something. */
  due: z.number().nullable(),
  /** What the last attempt met, while it is being repeated. */
  fault: faultSchema.nullable(),
  lastSuccessAt: z.number().nullable(),
  /** Since when the endpoint takes events again: until then it was its own fault that they waited. */
  resumedAt: z.number(),
  replay: replaySchema.nullable(),
  /** The run that delivers at present, and until when it may. */
  runId: z.string().optional(),
  runUntil: z.number().optional(),
});
export type WebhookState = z.output<typeof webhookStateSchema>;

/** What a run moves. */
export type WebhookProgress = Pick<
  WebhookState,
  'epoch' | 'sequence' | 'attempts' | 'due' | 'fault' | 'lastSuccessAt' | 'resumedAt' | 'replay'
>;

export const webhookStateSortKey = 'webhook';

export const webhookStateKey = (organizationId: string, webhookId: string) => ({
  pk: `${organizationId}#${webhookId}`,
  sk: webhookStateSortKey,
});

/** The timer of its next attempt, which is due at an instant (epoch milliseconds). */
export const webhookTimerName = (webhookId: string, due: number): string => `${webhookId}-${Math.floor(due / 1000)}`;
