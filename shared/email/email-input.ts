import * as z from 'zod';
import { externalIdSchema, instantSchema } from '../platform/values.ts';

export const recipientLimit = 500;
const bodyCharacters = 3_000_000;

/** Text that becomes part of a header: a line break in it would begin a header of the caller's own. */
const singleLine = (limit: number) =>
  z
    .string()
    .max(limit)
    .regex(/^[^\p{Cc}\u2028\u2029]*$/u, 'one line without control characters');

export const recordPointerSchema = z.strictObject({
  type: z.string().min(1).max(50).meta({ description: 'A record type, or user, queue or team.' }),
  id: z.string().min(1).max(210).meta({ description: 'The id, or ext:<externalId>.' }),
});

const partyRecordLimit = 10;

/**
 * Someone an email is for, by address or by record; a record alone is filled in with its primary address. `records`
 * names several, as an email shows them, or none where the address is to stand for nobody.
 */
export const partyInputSchema = z
  .strictObject({
    address: singleLine(320).min(1).optional(),
    name: singleLine(200).optional(),
    record: recordPointerSchema.optional(),
    records: z.array(recordPointerSchema).max(partyRecordLimit).optional(),
  })
  .refine(({ address, record, records = [] }) => address !== undefined || record !== undefined || records.length > 0, {
    message: 'address or record is needed',
    params: { code: 'required' },
  })
  .refine(({ record, records }) => record === undefined || records === undefined, {
    message: 'record and records exclude each other',
    path: ['records'],
    params: { code: 'invalidValue' },
  })
  .meta({ id: 'PartyInput' });
export type PartyInput = z.output<typeof partyInputSchema>;

const partiesSchema = z.array(partyInputSchema).max(recipientLimit);

export const senderInputSchema = z
  .strictObject({
    owner: z.string().min(1).max(210).meta({ description: 'A user or queue: its id, or ext:<externalId>.' }),
    via: z.enum(['owner', 'submitter']).default('owner').meta({
      description: "Through whose mailbox: the owner's, or that of the user who submits the email in the owner's name.",
    }),
    submitter: z.string().min(1).max(210).optional().meta({
      description:
        'The user who submits the email: its id, or ext:<externalId>. The owner must allow it (allowSendAs), or be a queue of which the user is a member.',
    }),
  })
  .meta({ id: 'SenderInput' });
export type SenderInput = z.output<typeof senderInputSchema>;

const bodyInputSchema = z.strictObject({
  html: z.string().max(bodyCharacters).optional(),
  text: z.string().max(bodyCharacters).optional(),
});

export const headerLimit = 50;
const headerNameSchema = z
  .string()
  .regex(/^(?:X-[A-Za-z0-9-]{1,70}|Auto-Submitted)$/i, 'a header name that starts with X-, or Auto-Submitted');
const headerValueSchema = singleLine(900);

const contentShape = {
  externalId: externalIdSchema.nullable().optional(),
  from: senderInputSchema,
  to: partiesSchema.optional(),
  cc: partiesSchema.optional(),
  bcc: partiesSchema.optional(),
  replyTo: z.array(partyInputSchema).max(10).optional(),
  subject: singleLine(998).optional(),
  body: bodyInputSchema.optional(),
  regarding: recordPointerSchema.nullable().optional(),
  inReplyTo: z.string().min(1).max(210).nullable().optional(),
  priority: z.enum(['low', 'normal', 'high']).optional(),
  sendAt: instantSchema.nullable().optional(),
  readReceipt: z.boolean().optional(),
  deliveryReceipt: z.boolean().optional(),
  headers: z
    .record(headerNameSchema, headerValueSchema)
    .refine((headers) => Object.keys(headers).length <= headerLimit, `at most ${headerLimit} headers`)
    .optional(),
  ownerId: z
    .string()
    .min(1)
    .max(210)
    .optional()
    .meta({ description: 'A user, queue or team; the sender unless given.' }),
};

const fewRecipients = (email: { to?: unknown[] | null; cc?: unknown[] | null; bcc?: unknown[] | null }): boolean =>
  (email.to?.length ?? 0) + (email.cc?.length ?? 0) + (email.bcc?.length ?? 0) <= recipientLimit;
const tooManyRecipients = {
  message: `at most ${recipientLimit} recipients in to, cc and bcc together`,
  path: ['to'],
  params: { code: 'outOfRange' },
};

export const createEmailSchema = z
  .strictObject({
    ...contentShape,
    send: z.boolean().default(false).meta({ description: 'Sends in the same step.' }),
  })
  .refine(fewRecipients, tooManyRecipients);
export type CreateEmailInput = z.output<typeof createEmailSchema>;

/** A merge patch: absent fields stay, null resets. */
export const patchEmailSchema = z
  .strictObject({
    ...contentShape,
    from: senderInputSchema.optional(),
    to: partiesSchema.nullish(),
    cc: partiesSchema.nullish(),
    bcc: partiesSchema.nullish(),
    replyTo: z.array(partyInputSchema).max(10).nullish(),
    subject: contentShape.subject.nullable(),
    body: z
      .strictObject({ html: bodyInputSchema.shape.html.nullable(), text: bodyInputSchema.shape.text.nullable() })
      .nullish(),
    priority: contentShape.priority.nullable(),
    readReceipt: contentShape.readReceipt.nullable(),
    deliveryReceipt: contentShape.deliveryReceipt.nullable(),
    headers: z.record(headerNameSchema, headerValueSchema.nullable()).nullish(),
    ownerId: contentShape.ownerId.nullable(),
  })
  .refine(fewRecipients, tooManyRecipients);
export type PatchEmailInput = z.output<typeof patchEmailSchema>;

export const sendEmailSchema = z.strictObject({
  issueSend: z.boolean().default(true).meta({ description: 'false: only marks the email as sent.' }),
  sendAt: instantSchema.nullable().optional(),
});
export type SendEmailInput = z.output<typeof sendEmailSchema>;

export const retryEmailSchema = z.strictObject({ acceptDuplicate: z.boolean().default(false) });

export const resolvePartySchema = z.strictObject({
  address: singleLine(320).min(1),
  record: recordPointerSchema,
  applyToSimilar: z.boolean().default(true).meta({
    description: 'Also in the other emails of the last 90 days where this address is unresolved.',
  }),
});
export type ResolvePartyInput = z.output<typeof resolvePartySchema>;
