import { isDeepStrictEqual } from 'node:util';
import * as z from 'zod';
import { auditWrite } from '../audit/audit-write.ts';
import { eventTypeFilterSchema } from '../feed/feed-event.ts';
import { requireOwner } from '../owner/find-owner.ts';
import type { Author } from '../platform/change.ts';
import type { EntityStore } from '../platform/entity-store.ts';
import { FaultError } from '../platform/fault.ts';
import { type RecordWrite, WriteConditionError } from '../platform/records-table.ts';
import { type Consumer, consumerKind, feedStart } from './consumer.ts';

export const consumerInputSchema = z.strictObject({
  types: z.array(eventTypeFilterSchema).min(1).max(50).nullable().default(null).meta({
    description: 'Types of events that it is shown; email.* stands for all that begin so. null: all.',
  }),
  userId: z.string().max(250).nullable().default(null).meta({
    description: 'A user: only events about this user and the mailbox of this user are shown.',
  }),
});
export type ConsumerInput = z.output<typeof consumerInputSchema>;

export interface ConsumerContext {
  readonly store: EntityStore;
  readonly organizationId: string;
  readonly now: () => Date;
}

type ChangeContext = ConsumerContext & { readonly author: Author };

const auditOf = (
  { organizationId, author, now }: ChangeContext,
  action: 'consumer.created' | 'consumer.changed' | 'consumer.deleted',
  id: string,
  before: Consumer | null,
  after: Consumer | null,
): RecordWrite =>
  auditWrite(organizationId, { author, now: now(), action, subject: { type: 'consumer', id }, before, after });

/** @throws FaultError notFound */
export const requireConsumer = async (
  { store, organizationId }: Pick<ConsumerContext, 'store' | 'organizationId'>,
  name: string,
): Promise<Consumer> => {
  const consumer = await store.get(consumerKind, organizationId, name);
  if (consumer === undefined) throw new FaultError('notFound');
  return consumer;
};

/**
 * Makes a consumer, which begins where the feed begins, or changes what it is shown; its place stays.
 *
 * @throws FaultError invalidRequest (no such user), versionMismatch
 */
export const putConsumer = async (
  context: ChangeContext,
  name: string,
  { types, userId }: ConsumerInput,
  preconditions: { readonly ifMatch: number | undefined; readonly createOnly: boolean },
): Promise<{ readonly consumer: Consumer; readonly created: boolean }> => {
  const { store, organizationId, now } = context;
  const shown = {
    types,
    userId: userId === null ? null : await requireOwner(store, organizationId, ['user'], userId, '#/userId'),
  };
  for (;;) {
    if ((await store.get(consumerKind, organizationId, name)) !== undefined) {
      if (preconditions.createOnly) throw new FaultError('versionMismatch');
      const consumer = await store.update(
        consumerKind,
        organizationId,
        name,
        (current) => {
          const next = { ...current, ...shown };
          if (isDeepStrictEqual(current, next)) return undefined;
          return { next, also: [auditOf(context, 'consumer.changed', name, current, next)] };
        },
        { now, ifMatch: preconditions.ifMatch },
      );
      return { consumer, created: false };
    }
    if (preconditions.ifMatch !== undefined) throw new FaultError('versionMismatch');
    const at = now().toISOString();
    const consumer: Consumer = {
      id: name,
      version: 1,
      createdAt: at,
      updatedAt: at,
      ...shown,
      committedCursor: feedStart,
      lastSeenAt: null,
    };
    try {
      const also = [auditOf(context, 'consumer.created', name, null, consumer)];
      return { consumer: await store.create(consumerKind, organizationId, consumer, { also }), created: true };
    } catch (error) {
      // Made by another request in between: then this one changes it.
      if (!(error instanceof WriteConditionError)) throw error;
    }
  }
};

/** @throws FaultError notFound, versionMismatch */
export const removeConsumer = async (
  context: ChangeContext,
  name: string,
  ifMatch: number | undefined,
): Promise<void> => {
  const consumer = await requireConsumer(context, name);
  const also = [auditOf(context, 'consumer.deleted', name, consumer, null)];
  await context.store.remove(consumerKind, context.organizationId, name, { ifMatch, also });
};
