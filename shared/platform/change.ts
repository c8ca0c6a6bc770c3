import * as z from 'zod';

export const originSchema = z.enum(['crm', 'mailbox', 'system']);
export type Origin = z.output<typeof originSchema>;

export const actorSchema = z.object({
  /** An identity provider is named by its issuer. */
  type: z.enum(['key', 'session', 'identityProvider', 'mailbox', 'system', 'operator']),
  id: z.string(),
  /** Of a session or an identity provider: who signed in. */
  userId: z.string().optional(),
});
export type Actor = z.output<typeof actorSchema>;

export const changeTypes = [
  'email.draftCreated',
  'email.pendingSend',
  'email.sending',
  'email.sent',
  'email.failed',
  'email.unconfirmed',
  'email.canceled',
  'email.bounced',
  'email.tracked',
  'email.updated',
  'email.untracked',
  'email.deleted',
  'email.erased',
  'record.created',
  'record.updated',
  'record.deleted',
  'mailbox.updated',
  'mailbox.stateChanged',
  'mailbox.takenOver',
  'alert.raised',
  'alert.cleared',
  'alert.answered',
  'queueItem.created',
  'settings.changed',
  'operation.finished',
  'organization.suspended',
  'organization.resumed',
] as const;
export const changeTypeSchema = z.enum(changeTypes);
export type ChangeType = z.output<typeof changeTypeSchema>;

/**
 * What an item tells the feed. It is written into the item itself, in the same write as the change, so that no change
 * can be stored without its event or the other way round; the stream carries it to the feed function.
 */
export const changeSchema = z.object({
  id: z.string(),
  type: changeTypeSchema,
  at: z.string(),
  origin: originSchema,
  actor: actorSchema,
  changedFields: z.array(z.string()).optional(),
});
export type Change = z.output<typeof changeSchema>;

/** Who makes a change and when: handed down to every domain function that writes. */
export interface Author {
  readonly origin: Origin;
  readonly actor: Actor;
}

export const systemAuthor: Author = { origin: 'system', actor: { type: 'system', id: 'hub' } };

/**
 * A queue message that belongs to an item and is sent again from the stream, in case the function that wrote the item
 * ended before it could send it. The deduplication identifier makes the two one.
 */
export const laneMessageSchema = z.object({
  lane: z.enum(['incoming', 'outgoing', 'operations', 'webhooks']),
  /** The message group. */
  mailboxId: z.string(),
  deduplicationId: z.string(),
  body: z.record(z.string(), z.unknown()),
});
