import * as z from 'zod';
import type { EntityKind } from '../platform/entity-store.ts';
import { faultSchema } from '../platform/fault.ts';
import { partition } from '../platform/records-table.ts';
import { entityShape, externalIdSchema, referenceSchema } from '../platform/values.ts';
import { automationSchema } from './mime/automation.ts';

export const emailStatusSchema = z.enum([
  'draft',
  'pendingSend',
  'sending',
  'sent',
  'failed',
  'unconfirmed',
  'canceled',
  'received',
]);

export const partyResultSchema = z.enum(['accepted', 'rejected', 'deferred', 'unconfirmed', 'bounced', 'read']);

/** Someone an email is from or to, with the records that its address was resolved to. */
export const partySchema = z.object({
  address: z.string(),
  name: z.string().optional(),
  records: z.array(referenceSchema),
  result: partyResultSchema.optional(),
  code: z.string().optional(),
  /** The server's own answer about this recipient. */
  answer: z.string().optional(),
});
export type Party = z.output<typeof partySchema>;

export const attachmentSchema = z.object({
  id: z.string(),
  fileName: z.string(),
  contentType: z.string(),
  sizeBytes: z.number().int().nonnegative(),
  contentId: z.string().optional(),
  state: z.enum(['awaitingUpload', 'ready']),
  /** Where the bytes stand in the content bucket; absent where they are a part of the raw message only. */
  storageKey: z.string().optional(),
});
export type Attachment = z.output<typeof attachmentSchema>;

/** A file of a received message that stands in the raw message only. */
export const leftOutFileSchema = z.object({
  fileName: z.string(),
  sizeBytes: z.number().int().nonnegative(),
  code: z.enum(['attachmentTooLarge', 'attachmentBlocked', 'tooManyAttachments']),
});
export type LeftOutFile = z.output<typeof leftOutFileSchema>;

export const deliverySchema = z.object({
  attempts: z.number().int().nonnegative(),
  lastAttemptAt: z.string().nullable(),
  nextAttemptAt: z.string().nullable(),
  fault: faultSchema.nullable(),
  events: z.array(z.object({ at: z.string(), event: z.string(), detail: z.string() })).max(50),
  /** The copy in the Sent folder is a step of its own: it never changes whether the email counts as sent. */
  sentCopy: z.enum(['none', 'pending', 'stored', 'failed']),
});

export const correlationSchema = z.object({
  method: z.enum(['none', 'inReplyTo', 'token', 'conversationIndex', 'smartMatching', 'manual']),
  emailId: z.string().nullable(),
});

/**
 * An email as stored, without its body: bodies, attachments and raw messages stand in the content bucket under
 * `bodyKey`, `storageKey` and `rawKey`, small bodies in `body`.
 */
export const emailSchema = z.object({
  ...entityShape,
  externalId: externalIdSchema.nullable(),
  direction: z.enum(['outgoing', 'incoming']),
  status: emailStatusSchema,
  mailboxId: z.string().nullable(),
  ownerId: z.string().nullable(),
  from: partySchema,
  sender: partySchema.nullable(),
  to: z.array(partySchema),
  cc: z.array(partySchema),
  bcc: z.array(partySchema),
  replyTo: z.array(partySchema),
  subject: z.string(),
  body: z.object({ html: z.string().optional(), text: z.string().optional() }).optional(),
  bodyKey: z.string().optional(),
  regarding: referenceSchema.nullable(),
  inReplyTo: z.string().nullable(),
  priority: z.enum(['low', 'normal', 'high']),
  sendAt: z.string().nullable(),
  readReceipt: z.boolean(),
  deliveryReceipt: z.boolean(),
  headers: z.record(z.string(), z.string()),
  attachments: z.array(attachmentSchema),
  attachmentsLeftOut: z
    .array(leftOutFileSchema)
    .optional()
    .meta({ description: 'Files of a received message that the settings keep out, the first 20; raw has them.' }),
  messageId: z.string().nullable(),
  /** The Date header of an outgoing message (instant, whole seconds), fixed when the Send is accepted. */
  messageDate: z.string().optional(),
  /** When the Send was last accepted (epoch milliseconds): names its outbox entry. */
  acceptedAt: z.number().optional(),
  /** Message-IDs of the thread, oldest first, for the References header. */
  references: z.array(z.string()),
  /** The Thread-Index header, by which Outlook and Exchange tell a conversation. */
  conversationIndex: z.string().optional(),
  /** Of what kind of program an incoming email is; absent where a person wrote it. */
  automation: automationSchema.optional(),
  token: z.string().nullable(),
  conversationId: z.string(),
  correlation: correlationSchema,
  acceptedBy: referenceSchema.nullable(),
  queueIds: z.array(z.string()),
  receivedByMailboxIds: z.array(z.string()),
  sizeBytes: z.number().int().nonnegative(),
  receivedAt: z.string().nullable(),
  sentAt: z.string().nullable(),
  rawKey: z.string().nullable(),
  delivery: deliverySchema.nullable(),
  /** When email.tracked was told last, where that was later than the email came to be. */
  trackedAt: z.string().optional(),
  /** Since when the email is cut off from its copy in the mailbox; absent while it is tracked. */
  untrackedAt: z.string().optional(),
});
export type Email = z.output<typeof emailSchema>;

/** The partition of the index byMailbox that lists the emails of a mailbox. */
export const mailboxListOf = (organizationId: string, mailboxId: string): string =>
  `${partition(organizationId, 'email')}#${mailboxId}`;

export const emailKind: EntityKind<Email> = {
  kind: 'email',
  prefix: 'eml',
  parse: (stored) => emailSchema.parse(stored),
  figure: ({ delivery }) =>
    delivery === null ? undefined : { attribute: 'entity.delivery.sentCopy', value: delivery.sentCopy },
  indexes: (organizationId, email) => ({
    ...(email.mailboxId === null ? {} : { mailboxKey: mailboxListOf(organizationId, email.mailboxId) }),
    ...(email.regarding === null
      ? {}
      : { regardingKey: `${partition(organizationId, 'email')}#${email.regarding.type}#${email.regarding.id}` }),
    conversationKey: `${partition(organizationId, 'email')}#${email.conversationId}`,
  }),
};
