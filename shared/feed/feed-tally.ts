import * as z from 'zod';
import type { UnplacedEvent } from './feed-event.ts';

/**
 * What the feed adds up as it is written: it costs no write of its own, and an event is counted once, as it stands in
 * the feed once.
 */
export const feedTallySchema = z.object({
  /** Bytes of the messages that are stored. */
  storedBytes: z.int().nonnegative(),
  /** Sends accepted on the last day (UTC) on which there was one. */
  sends: z.object({ day: z.string(), count: z.int().nonnegative() }),
});
export type FeedTally = z.output<typeof feedTallySchema>;

export const emptyTally: FeedTally = { storedBytes: 0, sends: { day: '', count: 0 } };

export const dayOf = (instant: string): string => instant.slice(0, 10);

const bytesOf = ({ data }: UnplacedEvent): number => (typeof data?.['sizeBytes'] === 'number' ? data['sizeBytes'] : 0);

/** A message is stored once it was received or sent, until its email is deleted. */
const storedBy = (event: UnplacedEvent): number => {
  switch (event.type) {
    // One that the CRM refused is offered again in a later version.
    case 'email.tracked':
      return event.version === 1 ? bytesOf(event) : 0;
    case 'email.sent':
      return bytesOf(event);
    case 'email.deleted':
      return event.data?.['status'] === 'received' || event.data?.['status'] === 'sent' ? -bytesOf(event) : 0;
    default:
      return 0;
  }
};

/** What a run of the lane puts off is no other Send. */
const isAcceptance = ({ type, actor }: UnplacedEvent): boolean =>
  type === 'email.pendingSend' && actor.type !== 'mailbox';

export const addToTally = (tally: FeedTally, events: readonly UnplacedEvent[]): FeedTally => {
  let { storedBytes, sends } = tally;
  for (const event of events) {
    storedBytes = Math.max(0, storedBytes + storedBy(event));
    const day = dayOf(event.at);
    // Events of two shards may come in another order: one of yesterday must not begin yesterday again.
    if (isAcceptance(event) && day >= sends.day) sends = { day, count: day === sends.day ? sends.count + 1 : 1 };
  }
  return { storedBytes, sends };
};
