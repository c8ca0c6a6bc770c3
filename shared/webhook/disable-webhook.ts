import { alertWrites } from '../alert/raise-alert.ts';
import { auditWrite } from '../audit/audit-write.ts';
import { systemAuthor } from '../platform/change.ts';
import type { EntityStore } from '../platform/entity-store.ts';
import type { Fault } from '../platform/fault.ts';
import { createFault } from '../platform/fault.ts';
import { transact } from '../platform/transact.ts';
import { type Webhook, webhookKind } from './webhook.ts';

/**
 * Disables a webhook whose endpoint fails for good and tells the organization, in one write. One that was changed since
 * the attempt, or is disabled already, stays as it is. Returns it as it stands; undefined when it is gone.
 */
export const disableWebhook = (
  store: EntityStore,
  organizationId: string,
  webhook: Webhook,
  reason: 'endpointFailing' | 'endpointGone',
  fault: Fault,
  now: Date,
): Promise<Webhook | undefined> =>
  transact(store.table, async () => {
    const current = await store.get(webhookKind, organizationId, webhook.id);
    if (current?.version !== webhook.version || current.status === 'disabled') return { writes: [], result: current };
    const next: Webhook = {
      ...current,
      version: current.version + 1,
      updatedAt: now.toISOString(),
      status: 'disabled',
      reason,
      fault,
    };
    const alert = await alertWrites(store, {
      organizationId,
      level: 'error',
      scope: 'organization',
      fault: createFault(reason, { detail: `${new URL(webhook.url).host}: ${fault.detail}` }),
      subject: { type: 'webhook', id: webhook.id },
      now,
    });
    const noted = auditWrite(organizationId, {
      author: systemAuthor,
      now,
      action: 'webhook.changed',
      subject: { type: 'webhook', id: webhook.id },
      before: { status: current.status, reason: current.reason, fault: current.fault },
      after: { status: next.status, reason, fault },
    });
    return { writes: [...store.writesOf(webhookKind, organizationId, current, next), noted, ...alert], result: next };
  });
