import * as z from 'zod';
import { faultSchema } from '../platform/fault.ts';
import { type Attachment, attachmentSchema, deliverySchema, type Email, emailSchema } from './email.ts';

export const attachmentAnswerSchema = attachmentSchema.omit({ storageKey: true }).meta({ id: 'Attachment' });

/** An email as lists and the feed show it: without its body. */
export const emailAnswerSchema = emailSchema
  .omit({ body: true, bodyKey: true, rawKey: true, references: true, messageDate: true, acceptedAt: true })
  .extend({
    attachments: z.array(attachmentAnswerSchema),
    delivery: deliverySchema.extend({ fault: faultSchema.optional() }).nullable(),
  })
  .meta({ id: 'EmailSummary' });

export const emailBodySchema = z.object({ html: z.string().optional(), text: z.string().optional() });
export type EmailBody = z.output<typeof emailBodySchema>;

export const emailWithBodyAnswerSchema = emailAnswerSchema.extend({ body: emailBodySchema }).meta({ id: 'Email' });

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
    messageDate: _messageDate,
    acceptedAt: _acceptedAt,
    ...shown
  } = email;
  return {
    ...shown,
    attachments: email.attachments.map(presentAttachment),
    delivery: presentDelivery(email.delivery),
  };
};

export const presentEmailWithBody = (email: Email, body: EmailBody): z.output<typeof emailWithBodyAnswerSchema> => ({
  ...presentEmail(email),
  body,
});
