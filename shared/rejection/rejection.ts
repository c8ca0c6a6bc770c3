import * as z from 'zod';
import type { EntityKind } from '../platform/entity-store.ts';
import { entityShape } from '../platform/values.ts';

/**
 * The CRM refused a tracked email. One for each email; its identifier is the email's.
 *
 * waiting: until it is offered again · offered: told again, and the CRM has not refused that so far · settled: it let a
 * further offer stand, or the email is no longer tracked · givenUp: a dead letter stands for it.
 */
export const rejectionSchema = z.object({
  ...entityShape,
  mailboxId: z.string(),
  status: z.enum(['waiting', 'offered', 'settled', 'givenUp']),
  /** In a row. */
  rejections: z.int().nonnegative(),
  /** Every event that told of the email and was or may be refused, the newest last. */
  events: z.array(z.string()),
  /** What the CRM said last. */
  code: z.string(),
  detail: z.string(),
  /** When it is offered again, or, once it was, until when the CRM's silence is awaited. */
  dueAt: z.string().nullable(),
  deadLetterId: z.string().nullable(),
});
export type Rejection = z.output<typeof rejectionSchema>;

export const rejectionKind: EntityKind<Rejection> = {
  kind: 'rejection',
  prefix: 'eml',
  parse: (stored) => rejectionSchema.parse(stored),
};

/** When the table may drop it, as long as a dead letter may stand for it: epoch seconds. */
export const rejectionExpiry = ({ updatedAt }: Pick<Rejection, 'updatedAt'>, deadLetterDays: number): number =>
  Math.floor(Date.parse(updatedAt) / 1000) + (deadLetterDays + 1) * 86_400;

/** As the API shows it. */
export const rejectionAnswerSchema = z
  .object({
    emailId: z.string(),
    status: rejectionSchema.shape.status,
    rejections: z.int(),
    code: z.string(),
    detail: z.string(),
    nextOfferAt: z.string().nullable(),
    deadLetterId: z.string().nullable(),
    version: z.int(),
  })
  .meta({ id: 'Rejection' });

export const presentRejection = (rejection: Rejection): z.output<typeof rejectionAnswerSchema> => {
  const { id, status, rejections, code, detail, dueAt, deadLetterId, version } = rejection;
  const nextOfferAt = status === 'waiting' ? dueAt : null;
  return { emailId: id, status, rejections, code, detail, nextOfferAt, deadLetterId, version };
};
