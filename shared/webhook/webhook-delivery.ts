import * as z from 'zod';
import type { FeedEvent } from '../feed/feed-event.ts';
import type { EntityKind } from '../platform/entity-store.ts';
import { faultSchema } from '../platform/fault.ts';
import { deriveIdentifier, identifierTime } from '../platform/identifier.ts';
import { type RecordWrite, recordKey } from '../platform/records-table.ts';
import { entityShape } from '../platform/values.ts';
import type { WebhookReplay } from './webhook-state.ts';

/** retrying: failed so far · failed: failed, and not repeated by the hub itself. */
export const deliveryStatusSchema = z.enum(['succeeded', 'retrying', 'failed']);

/** What became of one event at one webhook. Its identifier is `<webhook>#<delivery>`, so those of a webhook list together. */
export const webhookDeliverySchema = z.object({
  ...entityShape,
  webhookId: z.string(),
  event: z.object({
    id: z.string(),
    sequence: z.int(),
    type: z.string(),
    subject: z.object({ type: z.string(), id: z.string(), externalId: z.string().nullable().optional() }),
  }),
  status: deliveryStatusSchema,
  attempts: z.int().positive(),
  lastAttemptAt: z.string(),
  nextAttemptAt: z.string().nullable(),
  /** HTTP status of the last answer; null when there was none. */
  responseStatus: z.int().nullable(),
  /** How long the last attempt took. */
  seconds: z.number(),
  fault: faultSchema.nullable(),
  /** The replay that it belongs to. */
  operationId: z.string().nullable(),
});
export type WebhookDelivery = z.output<typeof webhookDeliverySchema>;

export const webhookDeliveryKind: EntityKind<WebhookDelivery> = {
  kind: 'webhookDelivery',
  prefix: 'dlv',
  parse: (stored) => webhookDeliverySchema.parse(stored),
};

/** The range of identifiers that the deliveries of a webhook have. */
export const deliveryRange = (webhookId: string): { readonly from: string; readonly to: string } => ({
  from: `${webhookId}#`,
  to: `${webhookId}#~`,
});

/**
 * The delivery of an event to a webhook, or of its being sent again by a replay: always the same one, however often it is
 * tried and whatever comes in between. They sort as the events do; those of a replay from its beginning on.
 */
export const deliveryIdOf = (webhookId: string, event: FeedEvent, replay: WebhookReplay | null): string => {
  const at =
    replay === null
      ? Date.parse(event.at)
      : identifierTime(replay.operationId) + event.sequence - (replay.to - replay.total);
  return deriveIdentifier('dlv', at, `${webhookId}#${event.id}#${replay?.operationId ?? ''}`);
};

// Longer than the three days that an event is tried, so that every story is told to its end.
const keptSeconds = 7 * 86_400;

export interface DeliveryFigures
  extends Pick<WebhookDelivery, 'status' | 'attempts' | 'responseStatus' | 'seconds' | 'fault' | 'operationId'> {
  readonly at: Date;
  readonly nextAttemptAt: Date | null;
}

/** The delivery `dlv_…` of an event as it stands after an attempt. */
export const describeDelivery = (
  webhookId: string,
  deliveryId: string,
  event: Pick<FeedEvent, 'id' | 'sequence' | 'type' | 'subject'>,
  { at, nextAttemptAt, ...figures }: DeliveryFigures,
): WebhookDelivery => ({
  id: `${webhookId}#${deliveryId}`,
  version: figures.attempts,
  createdAt: at.toISOString(),
  updatedAt: at.toISOString(),
  webhookId,
  event: { id: event.id, sequence: event.sequence, type: event.type, subject: event.subject },
  lastAttemptAt: at.toISOString(),
  nextAttemptAt: nextAttemptAt?.toISOString() ?? null,
  ...figures,
});

/** Puts it in the place of what was noted after the attempt before. */
export const deliveryWrite = (organizationId: string, delivery: WebhookDelivery): RecordWrite => ({
  put: {
    ...recordKey(organizationId, webhookDeliveryKind.kind, delivery.id),
    v: 1,
    kind: webhookDeliveryKind.kind,
    organizationId,
    expiresAt: Math.ceil(Date.parse(delivery.lastAttemptAt) / 1000) + keptSeconds,
    entity: delivery,
  },
});

export const webhookDeliveryAnswerSchema = webhookDeliverySchema
  .omit({ version: true, createdAt: true, updatedAt: true })
  .meta({ id: 'WebhookDelivery' });

export const presentDelivery = ({
  version: _version,
  createdAt: _createdAt,
  updatedAt: _updatedAt,
  ...delivery
}: WebhookDelivery): z.output<typeof webhookDeliveryAnswerSchema> => ({
  ...delivery,
  id: delivery.id.slice(delivery.webhookId.length + 1),
});
