import { DeleteCommand, type DynamoDBDocumentClient, QueryCommand } from '@aws-sdk/lib-dynamodb';
import { mailboxKind } from '../mailbox/mailbox.ts';
import { operationKind } from '../operation/operation.ts';
import type { ContentStore } from '../platform/content-store.ts';
import type { Entity, EntityKind, EntityStore } from '../platform/entity-store.ts';
import { partition, recordKey } from '../platform/records-table.ts';
import { serverProfileKind } from '../server-profile/server-profile.ts';
import type { ThrottleReader } from '../throttle/throttle-reader.ts';
import { webhookKind } from '../webhook/webhook.ts';
import type { WebhookStates } from '../webhook/webhook-states.ts';
import { markErasing } from './begin-erasure.ts';
import { organizationKind } from './organization.ts';
import { listingRemovals } from './organization-listing.ts';
import { organizationPartitions } from './organization-partitions.ts';

/** Removes what the cycles table holds of a mailbox, a server profile or an operation. */
export type EraseCycles = (organizationId: string, subjectId: string) => Promise<void>;

export const createEraseCycles =
  (document: DynamoDBDocumentClient, TableName: string): EraseCycles =>
  async (organizationId, subjectId) => {
    const { Items = [] } = await document.send(
      new QueryCommand({
        TableName,
        ConsistentRead: true,
        KeyConditionExpression: 'pk = :pk',
        ExpressionAttributeValues: { ':pk': `${organizationId}#${subjectId}` },
      }),
    );
    for (const { pk, sk } of Items) await document.send(new DeleteCommand({ TableName, Key: { pk, sk } }));
  };

export interface ErasureDependencies {
  readonly store: EntityStore;
  readonly content: ContentStore;
  readonly throttle: ThrottleReader;
  readonly eraseCycles: EraseCycles;
  readonly webhookStates: Pick<WebhookStates, 'read'>;
  readonly now: () => Date;
}

export interface ErasureOutcome {
  /** False: call again, at once when the deadline has passed, else when the runs in flight have ended. */
  readonly done: boolean;
  /** What this call removed, by kind of item; `content` counts stored objects. */
  readonly removed: Readonly<Record<string, number>>;
}

class DeadlinePassed extends Error {}

const deletedAtOnce = 25;

/**
 * Removes everything that belongs to an organization. It may end anywhere and is then called again: each step finds
 * what is left, and what a later step needs to find its way goes last. The order: no key opens anything and no run
 * begins any more; the runs in flight end; everything goes; a second look takes what they wrote meanwhile; the
 * organization itself goes, with the salt without which none of its secrets can ever be opened.
 *
 * @param deadline epoch milliseconds at which to stop and be called again
 */
export const eraseOrganization = async (
  { store, content, throttle, eraseCycles, webhookStates, now }: ErasureDependencies,
  organizationId: string,
  deadline: number = Number.POSITIVE_INFINITY,
): Promise<ErasureOutcome> => {
  const removed: Record<string, number> = {};
  const count = (kind: string, number: number): void => {
    if (number > 0) removed[kind] = (removed[kind] ?? 0) + number;
  };
  const checkDeadline = (): void => {
    if (now().getTime() >= deadline) throw new DeadlinePassed();
  };

  const visit = async <Item extends Entity>(kind: EntityKind<Item>, work: (item: Item) => Promise<void>) => {
    let after: Readonly<Record<string, unknown>> | undefined;
    do {
      checkDeadline();
      const page = await store.list(kind, organizationId, { limit: 50, after });
      await Promise.all(page.items.map(work));
      after = page.after;
    } while (after !== undefined);
  };

  const sweep = async (kind: string): Promise<void> => {
    for (;;) {
      checkDeadline();
      const { items } = await store.table.query({ pk: partition(organizationId, kind), limit: deletedAtOnce });
      if (items.length === 0) return;
      await Promise.all(items.map(({ pk, sk }) => store.table.write([{ remove: { pk, sk } }])));
      count(kind, items.length);
    }
  };

  const sweepAll = async (): Promise<void> => {
    for (const kind of organizationPartitions) await sweep(kind);
    checkDeadline();
    count('content', await content.removeAll(`${organizationId}/`));
  };

  try {
    await markErasing({ store, now }, organizationId);
    await visit(mailboxKind, (mailbox) => eraseCycles(organizationId, mailbox.id));
    let openConnections = 0;
    await visit(serverProfileKind, async (profile) => {
      openConnections += await throttle.countOpenConnections(organizationId, profile);
    });
    let deliveries = 0;
    await visit(webhookKind, async (webhook) => {
      const state = await webhookStates.read(organizationId, webhook.id);
      if ((state?.runUntil ?? 0) > now().getTime()) deliveries += 1;
    });
    if (openConnections + deliveries > 0) return { done: false, removed };
    await visit(serverProfileKind, (profile) => eraseCycles(organizationId, profile.id));
    await visit(webhookKind, (webhook) => eraseCycles(organizationId, webhook.id));
    await visit(operationKind, (operation) => eraseCycles(organizationId, operation.id));
    await sweepAll();
    await sweepAll();
    const organization = await store.get(organizationKind, organizationId, organizationId);
    if (organization !== undefined)
      await store.table.write([
        { remove: recordKey(organizationId, organizationKind.kind, organizationId) },
        ...listingRemovals(organizationId, organization.externalId),
      ]);
    return { done: true, removed };
  } catch (error) {
    if (error instanceof DeadlinePassed) return { done: false, removed };
    throw error;
  }
};
