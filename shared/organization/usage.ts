import * as z from 'zod';
import { dayOf, emptyTally } from '../feed/feed-tally.ts';
import { readFeedHead } from '../feed/read-feed.ts';
import { readFeedTail } from '../feed/read-feed-tail.ts';
import type { EntityStore } from '../platform/entity-store.ts';
import type { RequestMeter } from '../quota/request-meter.ts';
import { countConnections, countMailboxes } from '../quota/require-quota.ts';
import type { Organization } from './organization.ts';

const figureSchema = z.object({ used: z.number().int(), limit: z.number().int().nullable() });

/** What an organization uses; `limit` null means that nothing limits it. */
export const usageSchema = z
  .object({
    mailboxes: figureSchema.meta({ description: 'Mailboxes that are there now.' }),
    sends: figureSchema.meta({ description: 'Sends accepted today (UTC).' }),
    storedBytes: figureSchema.meta({ description: 'Bytes of the messages that are stored.' }),
    connections: figureSchema.meta({ description: 'Connections that the server profiles allow together.' }),
    feedEvents: figureSchema.meta({ description: 'Changes that the feed has told since the organization began.' }),
    apiCalls: figureSchema.meta({ description: 'Requests today (UTC); a busy minute may be missing.' }),
  })
  .meta({ id: 'Usage' });
export type Usage = z.output<typeof usageSchema>;

export const readUsage = async (
  { store, meter, now }: { readonly store: EntityStore; readonly meter: RequestMeter; readonly now: () => Date },
  { id, quota }: Organization,
): Promise<Usage> => {
  const [mailboxes, connections, head, tail, apiCalls] = await Promise.all([
    countMailboxes(store, id),
    countConnections(store, id),
    readFeedHead(store.table, id),
    readFeedTail(store.table, id),
    meter.callsToday(id),
  ]);
  const { storedBytes, sends } = tail.tally ?? emptyTally;
  return {
    mailboxes: { used: mailboxes, limit: quota.mailboxes },
    sends: { used: sends.day === dayOf(now().toISOString()) ? sends.count : 0, limit: quota.sendsPerDay },
    storedBytes: { used: storedBytes, limit: quota.storedBytes },
    connections: { used: connections, limit: quota.connections },
    feedEvents: { used: head.sequence, limit: null },
    apiCalls: { used: apiCalls, limit: quota.apiCallsPerDay },
  };
};
