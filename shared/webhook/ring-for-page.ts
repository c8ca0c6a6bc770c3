import type { EntityStore } from '../platform/entity-store.ts';
import type { LaneQueues } from '../platform/lane-queues.ts';
import { webhookKind, webhookLimit } from './webhook.ts';
import { ringWebhook } from './webhook-message.ts';

/**
 * Rings for the webhooks of an organization whose feed now ends at `sequence`: once for each webhook and end, however
 * often it is called.
 */
export const ringForPage = async (
  { store, queues }: { readonly store: EntityStore; readonly queues: LaneQueues },
  organizationId: string,
  sequence: number,
): Promise<void> => {
  const { items } = await store.list(webhookKind, organizationId, { limit: webhookLimit * 2 });
  await Promise.all(
    items
      .filter(({ status }) => status === 'enabled')
      .map(({ id }) =>
        ringWebhook(queues, organizationId, id, { reason: 'feed', sequence, occasion: String(sequence) }),
      ),
  );
};
