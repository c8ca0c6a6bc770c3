import { z } from 'zod';
import { type RecordKey, recordKey } from '../platform/records-table.ts';

/**
 * One accepted Send: stands in the outbox from acceptance until its outcome is final (its Sent copy included). The
 * outgoing lane is the only one that changes it; the API only puts it, or removes it while it is `waiting` (cancel).
 *
 * waiting → handing → (removed on sent, failed, unconfirmed) | waiting again with a later `notBefore`
 * sent with a copy to file → copying → removed
 */
export const outboxEntrySchema = z.object({
  emailId: z.string(),
  mailboxId: z.string(),
  state: z.enum(['waiting', 'handing', 'copying']),
  /** Epoch milliseconds before which it is not due: undo time, send later, retry. */
  notBefore: z.number(),
  attempts: z.int().nonnegative(),
  acceptedAt: z.number(),
  /** Recipients still to be tried; absent on the first attempt: all. */
  pendingRecipients: z.array(z.string()).optional(),
  handedAt: z.number().optional(),
});
export type OutboxEntry = z.output<typeof outboxEntrySchema>;

const priorityRank = { high: '0', normal: '1', low: '2' } as const;

/** Sorted by mailbox, then priority, then acceptance: the order of delivery. */
export const outboxKey = (
  organizationId: string,
  entry: { readonly mailboxId: string; readonly acceptedAt: number; readonly emailId: string },
  priority: keyof typeof priorityRank,
): RecordKey =>
  recordKey(
    organizationId,
    'outbox',
    `${entry.mailboxId}#${priorityRank[priority]}#${String(entry.acceptedAt).padStart(15, '0')}#${entry.emailId}`,
  );
