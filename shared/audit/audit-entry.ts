import * as z from 'zod';
import { actorSchema } from '../platform/change.ts';
import type { EntityKind } from '../platform/entity-store.ts';
import { entityShape } from '../platform/values.ts';

const auditActions = [
  'organization.created',
  'organization.changed',
  'organization.suspended',
  'organization.resumed',
  'organization.erasing',
  'settings.changed',
  'apiKey.created',
  'apiKey.deleted',
  'session.created',
  'session.signedIn',
  'session.deleted',
  'serverProfile.created',
  'serverProfile.changed',
  'serverProfile.deleted',
  'webhook.created',
  'webhook.changed',
  'webhook.deleted',
  'consumer.created',
  'consumer.changed',
  'consumer.deleted',
  'recordType.created',
  'recordType.changed',
  'user.created',
  'user.changed',
  'user.deleted',
  'queue.created',
  'queue.changed',
  'queue.deleted',
  'team.created',
  'team.changed',
  'team.deleted',
  'mailbox.created',
  'mailbox.changed',
  'email.trackRequested',
  'email.untracked',
  'deadLetter.discarded',
] as const;
export type AuditAction = (typeof auditActions)[number];

const differenceSchema = z.record(z.string(), z.unknown()).nullable();

/** An act that took effect: written with what it did, all or nothing, and never changed. */
export const auditEntrySchema = z.object({
  ...entityShape,
  actor: actorSchema,
  /** One of the actions, or one that a later release has noted before a roll back. */
  action: z.string(),
  subject: z.object({ type: z.string(), id: z.string() }),
  /** What differs, as it was and as it is, without secrets; null: there was, or is, nothing. */
  before: differenceSchema,
  after: differenceSchema,
});
export type AuditEntry = z.output<typeof auditEntrySchema>;

export const auditEntryKind: EntityKind<AuditEntry> = {
  kind: 'audit',
  prefix: 'aud',
  parse: (stored) => auditEntrySchema.parse(stored),
};

export const auditAnswerSchema = z
  .object({
    id: z.string(),
    at: z.string(),
    actor: actorSchema,
    action: z.string().meta({ examples: [...auditActions] }),
    subject: z.object({ type: z.string(), id: z.string() }),
    before: differenceSchema.meta({ description: 'What differs, as it was; null: there was nothing.' }),
    after: differenceSchema.meta({ description: 'What differs, as it is; null: it is gone.' }),
  })
  .meta({ id: 'AuditEntry' });

export const presentAuditEntry = (entry: AuditEntry): z.output<typeof auditAnswerSchema> => {
  const { id, createdAt: at, actor, action, subject, before, after } = entry;
  return { id, at, actor, action, subject, before, after };
};
