import * as z from 'zod';
import { faultSchema } from '../platform/fault.ts';
import { type Attachment, attachmentSchema, deliverySchema, type Email, emailSchema } from './email.ts';

export const attachmentAnswerSchema = attachmentSchema.omit({ storageKey: true }).meta({ id: 'Attachment' });

/** An email as lists and the feed show it: without its body. */
export const emailAnswerSchema = emailSchema
  .omit({
    body: true,
    bodyKey: true,
    rawKey: true,
    references: true,
    conversationIndex: true,
    messageDate: true,
    acceptedAt: true,
    trackedAt: true,
  })
  .extend({
    attachments: z.array(attachmentAnswerSchema),
    delivery: deliverySchema.extend({ fault: faultSchema.optional() }).nullable(),
  })
  .meta({ id: 'EmailSummary' });

export const emailBodySchema = z.object({ html: z.string().optional(), text: z.string().optional() });
export type EmailBody = z.output<typeof emailBodySchema>;

export const emailWithBodyAnswerSchema = emailAnswerSchema
  .extend({
    body: emailBodySchema.extend({
      truncated: z.literal(true).optional().meta({ description: 'More than an answer takes; raw holds all of it.' }),
    }),
  })
  .meta({ id: 'Email' });

export const presentAttachment = (attachment: Attachment): z.output<typeof attachmentAnswerSchema> => {
  const { storageKey: _, ...shown } = attachment;
  return shown;
};

const presentDelivery = (delivery: Email['delivery']): z.output<typeof emailAnswerSchema>['delivery'] => {
  if (delivery === null) return null;
  const { fault, ...shown } = delivery;
  return fault === null ? shown : { ...shown, fault };
};

/** Without body: for lists, the feed and the reader role. */
export const presentEmail = (email: Email): z.output<typeof emailAnswerSchema> => {
  const {
    body: _body,
    bodyKey: _bodyKey,
    rawKey: _rawKey,
    references: _references,
    conversationIndex: _conversationIndex,
    messageDate: _messageDate,
    acceptedAt: _acceptedAt,
    trackedAt: _trackedAt,
    ...shown
  } = email;
  return {
    ...shown,
    attachments: email.attachments.map(presentAttachment),
    delivery: presentDelivery(email.delivery),
  };
};

// An answer holds 4.6 MB with all the rest, whatever its characters; what a request may bring is always less than this.
const largestBodyBytes = 4_300_000;

const bytesOf = (value: unknown): number => Buffer.byteLength(JSON.stringify(value));

const cutTo = (bytes: number, text: string): string => {
  let kept = text;
  for (let size = bytesOf(kept); size > bytes; size = bytesOf(kept))
    kept = kept.slice(0, Math.floor((kept.length * bytes) / size) - 1);
  return kept.toWellFormed();
};

/** Not in the middle of a tag, which would swallow what stands behind it in a page. */
const cutHtml = (bytes: number, html: string): string => {
  const kept = cutTo(bytes, html);
  const opened = kept.lastIndexOf('<');
  return opened > kept.lastIndexOf('>') ? kept.slice(0, opened) : kept;
};

const cutBody = (body: EmailBody): z.output<typeof emailWithBodyAnswerSchema>['body'] => {
  if (bytesOf(body) <= largestBodyBytes) return body;
  const { html, text } = body;
  const each = largestBodyBytes / 2 - 100;
  return {
    ...(html === undefined ? {} : { html: cutHtml(each, html) }),
    ...(text === undefined ? {} : { text: cutTo(each, text) }),
    truncated: true,
  };
};

export const presentEmailWithBody = (email: Email, body: EmailBody): z.output<typeof emailWithBodyAnswerSchema> => ({
  ...presentEmail(email),
  body: cutBody(body),
});
