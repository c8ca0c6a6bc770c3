import type { FeedEvent } from '../feed/feed-event.ts';
import { systemAuthor } from '../platform/change.ts';
import { createIdentifier } from '../platform/identifier.ts';
import { createDialledPost } from '../transport/http/dialled-post.ts';
import { requireWebhook, type WebhookContext } from './manage-webhooks.ts';
import { attemptSeconds, openSecrets, postEvent } from './post-event.ts';
import { deliveryWrite, describeDelivery, type WebhookDelivery } from './webhook-delivery.ts';

/**
 * Posts an event `webhook.test`, which is none of the feed (its sequence is 0), and tells what became of it. A disabled
 * webhook can be tried, too; nothing is repeated and nothing disabled for it.
 *
 * @throws FaultError notFound, versionMismatch
 */
export const sendTest = async (
  context: WebhookContext,
  webhookId: string,
  ifMatch: number | undefined,
): Promise<WebhookDelivery> => {
  const { store, vault, organization, dialler, hostPolicy, now } = context;
  const webhook = await requireWebhook(context, webhookId, ifMatch);
  const at = now();
  const event: FeedEvent = {
    id: createIdentifier('evt', at.getTime()),
    sequence: 0,
    type: 'webhook.test',
    at: at.toISOString(),
    ...systemAuthor,
    subject: { type: 'webhook', id: webhookId },
    version: webhook.version,
    data: { id: webhookId, url: webhook.url },
  };
  const secrets = await openSecrets(vault, organization, webhook, at);
  const connection = createDialledPost({ dialler, hostPolicy, timeoutSeconds: attemptSeconds });
  try {
    const outcome = await postEvent(connection, webhook, event, secrets, now);
    const { fault, responseStatus, seconds } = outcome;
    const delivery = describeDelivery(webhookId, createIdentifier('dlv', at.getTime()), event, {
      at: outcome.at,
      status: fault === null ? 'succeeded' : 'failed',
      attempts: 1,
      nextAttemptAt: null,
      responseStatus,
      seconds,
      fault,
      operationId: null,
    });
    await store.table.write([deliveryWrite(organization.id, delivery)]);
    return delivery;
  } finally {
    connection.close();
  }
};
