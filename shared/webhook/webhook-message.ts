import type { WebhookMessage } from '../cycle/lane-message.ts';
import { createIdentifier } from '../platform/identifier.ts';
import type { LaneQueues } from '../platform/lane-queues.ts';

/** The queue of the doorbells. */
export const webhooksLane = 'webhooks';

type Occasion = Pick<WebhookMessage, 'reason'> & Partial<Pick<WebhookMessage, 'sequence' | 'occasion'>>;

/** The message that makes a webhook look at the feed; its group is the webhook. */
export const webhookMessage = (organizationId: string, webhookId: string, occasion: Occasion): WebhookMessage => ({
  v: 1,
  organizationId,
  mailboxId: webhookId,
  workload: webhooksLane,
  ...occasion,
});

/**
 * Rings for a webhook. Equal occasions within five minutes are one message; without one each ring is a message of its
 * own.
 */
export const ringWebhook = async (
  queues: Pick<LaneQueues, 'send'>,
  organizationId: string,
  webhookId: string,
  { reason, sequence, occasion = createIdentifier('req', Date.now()) }: Occasion,
): Promise<void> => {
  const message = webhookMessage(organizationId, webhookId, {
    reason,
    occasion,
    ...(sequence === undefined ? {} : { sequence }),
  });
  await queues.send(webhooksLane, webhookId, `${webhookId}.${reason}.${occasion}`, message);
};
