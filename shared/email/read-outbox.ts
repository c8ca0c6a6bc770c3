import type { RecordsTable } from '../platform/records-table.ts';
import { outboxRange, type QueuedSend, readQueuedSend } from './outbox.ts';

/** What waits in the outbox of a mailbox at an instant. */
export interface OutboxView {
  /** Due now, in the order of delivery, at most as many as were asked for. */
  readonly due: readonly QueuedSend[];
  /** When the next entry that is not due yet will be (epoch milliseconds); null when none is known. */
  readonly nextDue: number | null;
  /** Entries seen. */
  readonly waiting: number;
}

const pageSize = 200;

/** An entry that was being handed over when its run died needs a decision at once. */
const isDue = ({ entry }: QueuedSend, now: number): boolean => entry.state === 'handing' || entry.notBefore <= now;

/**
 * Reads the outbox until `limit` entries are due, or to its end. Strongly consistent: what was accepted before is seen.
 */
export const readOutbox = async (
  table: RecordsTable,
  organizationId: string,
  mailboxId: string,
  now: Date,
  limit: number,
): Promise<OutboxView> => {
  const due: QueuedSend[] = [];
  let nextDue: number | null = null;
  let waiting = 0;
  let after: Readonly<Record<string, unknown>> | undefined;
  do {
    const page = await table.query({
      ...outboxRange(organizationId, mailboxId),
      limit: pageSize,
      ...(after === undefined ? {} : { after }),
    });
    for (const queued of page.items.map(readQueuedSend)) {
      waiting += 1;
      if (isDue(queued, now.getTime())) due.push(queued);
      else nextDue = Math.min(nextDue ?? Number.POSITIVE_INFINITY, queued.entry.notBefore);
    }
    after = page.after;
  } while (after !== undefined && due.length < limit);
  return { due: due.slice(0, limit), nextDue, waiting };
};
