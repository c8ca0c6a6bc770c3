import { isDeepStrictEqual } from 'node:util';
import * as z from 'zod';
import { eventTypeFilterSchema } from '../feed/feed-event.ts';
import { requireOwner } from '../owner/find-owner.ts';
import type { EntityStore } from '../platform/entity-store.ts';
import { FaultError } from '../platform/fault.ts';
import { WriteConditionError } from '../platform/records-table.ts';
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
  { store, organizationId, now }: ConsumerContext,
  name: string,
  { types, userId }: ConsumerInput,
  preconditions: { readonly ifMatch: number | undefined; readonly createOnly: boolean },
): Promise<{ readonly consumer: Consumer; readonly created: boolean }> => {
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
          return isDeepStrictEqual(current, next) ? undefined : { next };
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
      return { consumer: await store.create(consumerKind, organizationId, consumer), created: true };
    } catch (error) {
      // Made by another request in between: then this one changes it.
      if (!(error instanceof WriteConditionError)) throw error;
    }
  }
};
