import * as z from 'zod';
import type { EntityKind } from '../platform/entity-store.ts';
import { faultSchema } from '../platform/fault.ts';
import { partition } from '../platform/records-table.ts';
import { entityShape } from '../platform/values.ts';

/** An item that could not be processed and was set aside with its raw bytes, so that nothing behind it waits. */
export const deadLetterSchema = z.object({
  ...entityShape,
  kind: z.enum(['email', 'send', 'event']),
  mailboxId: z.string(),
  /** Of kind event: the email that the CRM refused. */
  emailId: z.string().optional(),
  fault: faultSchema,
  attempts: z.number().int(),
  firstAt: z.string(),
  lastAt: z.string(),
  remote: z.object({ folder: z.string(), uidValidity: z.string(), uid: z.number().int() }),
  direction: z.enum(['incoming', 'outgoing']),
  /** When the server received it. */
  receivedAt: z.string(),
  /** The decision that says why it was set aside. */
  decisionId: z.string(),
  sizeBytes: z.number().int(),
  rawKey: z.string(),
  /** Replays that began and have not ended: their processes died, or they go on. */
  unended: z.number().int().optional(),
  status: z.enum(['open', 'resolved', 'discarded']),
  discardReason: z.string().nullable(),
  /** Until when it is kept, bytes included. */
  keptUntil: z.string(),
});
export type DeadLetter = z.output<typeof deadLetterSchema>;

/** What a caller may ask for; no letters of the other kinds are written yet. */
export const askedKindSchema = z.enum(['email', 'appointment', 'contact', 'task', 'send', 'event']);

export const deadLetterKind: EntityKind<DeadLetter> = {
  kind: 'deadLetter',
  prefix: 'ddl',
  parse: (stored) => deadLetterSchema.parse(stored),
  indexes: (organizationId, letter) => ({
    mailboxKey: `${partition(organizationId, 'deadLetter')}#${letter.mailboxId}`,
  }),
};

/** When the table may drop it: epoch seconds. */
export const deadLetterExpiry = ({ keptUntil }: DeadLetter): number => Math.floor(Date.parse(keptUntil) / 1000);
