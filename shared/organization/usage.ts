import * as z from 'zod';
import { readFeedHead } from '../feed/read-feed.ts';
import { mailboxKind } from '../mailbox/mailbox.ts';
import type { EntityStore } from '../platform/entity-store.ts';

const figureSchema = z.object({ used: z.number().int(), limit: z.number().int().nullable() });

/** What an organization uses; `limit` null means that nothing limits it. */
export const usageSchema = z
  .object({
    mailboxes: figureSchema.meta({ description: 'Mailboxes of users and queues that are there now.' }),
    feedEvents: figureSchema.meta({ description: 'Changes that the feed has told since the organization began.' }),
  })
  .meta({ id: 'Usage' });
export type Usage = z.output<typeof usageSchema>;

const countMailboxes = async (store: EntityStore, organizationId: string): Promise<number> => {
  let count = 0;
  let after: Readonly<Record<string, unknown>> | undefined;
  do {
    const page = await store.list(mailboxKind, organizationId, { limit: 1000, after });
    count += page.items.filter((mailbox) => !mailbox.retired).length;
    after = page.after;
  } while (after !== undefined);
  return count;
};

export const readUsage = async (store: EntityStore, organizationId: string): Promise<Usage> => {
  const [mailboxes, head] = await Promise.all([
    countMailboxes(store, organizationId),
    readFeedHead(store.table, organizationId),
  ]);
  return { mailboxes: { used: mailboxes, limit: null }, feedEvents: { used: head.sequence, limit: null } };
};
