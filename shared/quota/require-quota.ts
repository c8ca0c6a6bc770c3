import { dayOf, emptyTally } from '../feed/feed-tally.ts';
import { readFeedTail } from '../feed/read-feed-tail.ts';
import { mailboxKind } from '../mailbox/mailbox.ts';
import type { Organization } from '../organization/organization.ts';
import type { EntityStore } from '../platform/entity-store.ts';
import { FaultError } from '../platform/fault.ts';
import { serverProfileKind } from '../server-profile/server-profile.ts';
import type { QuotaName } from './quota.ts';

type Limited = Pick<Organization, 'id' | 'quota'>;

export const quotaExceeded = (name: QuotaName, limit: number): FaultError =>
  new FaultError('quotaExceeded', {
    detail: `The organization has used up its quota ${name}, which is ${limit}`,
    extensions: { quota: name, limit },
  });

/** Those that are there now, without those of deleted owners. */
export const countMailboxes = async (store: EntityStore, organizationId: string): Promise<number> => {
  let count = 0;
  let after: Readonly<Record<string, unknown>> | undefined;
  do {
    const page = await store.list(mailboxKind, organizationId, { limit: 1000, after });
    count += page.items.filter((mailbox) => !mailbox.retired).length;
    after = page.after;
  } while (after !== undefined);
  return count;
};

/**
 * Whether there may be one mailbox more. Two that are created at once may both pass.
 *
 * @throws FaultError quotaExceeded
 */
export const requireMailboxQuota = async (store: EntityStore, { id, quota }: Limited): Promise<void> => {
  const { mailboxes: limit } = quota;
  if (limit !== null && (await countMailboxes(store, id)) >= limit) throw quotaExceeded('mailboxes', limit);
};

/** Counted by the feed, which is behind by a second or so. @throws FaultError quotaExceeded */
export const requireSendQuota = async (store: EntityStore, { id, quota }: Limited, now: Date): Promise<void> => {
  const { sendsPerDay: limit } = quota;
  if (limit === null) return;
  const { sends } = (await readFeedTail(store.table, id)).tally ?? emptyTally;
  if ((sends.day === dayOf(now.toISOString()) ? sends.count : 0) >= limit) throw quotaExceeded('sendsPerDay', limit);
};

/** As requireSendQuota. @throws FaultError quotaExceeded */
export const requireStorageQuota = async (store: EntityStore, { id, quota }: Limited): Promise<void> => {
  const { storedBytes: limit } = quota;
  if (limit === null) return;
  const { storedBytes } = (await readFeedTail(store.table, id)).tally ?? emptyTally;
  if (storedBytes >= limit) throw quotaExceeded('storedBytes', limit);
};

/** What the server profiles allow together, one of them left out. */
export const countConnections = async (
  store: EntityStore,
  organizationId: string,
  except?: string,
): Promise<number> => {
  let count = 0;
  let after: Readonly<Record<string, unknown>> | undefined;
  do {
    const page = await store.list(serverProfileKind, organizationId, { limit: 200, after });
    for (const { id, maxConnections } of page.items) if (id !== except) count += maxConnections;
    after = page.after;
  } while (after !== undefined);
  return count;
};

/**
 * Whether a profile may allow so many connections. A run of a lane goes only while it holds one, so what limits them keeps
 * an organization from taking all the places of a lane. Two profiles that are changed at once may both pass.
 *
 * @throws FaultError quotaExceeded
 */
export const requireConnectionQuota = async (
  store: EntityStore,
  { id, quota }: Limited,
  profile: { readonly id: string; readonly maxConnections: number },
): Promise<void> => {
  const { connections: limit } = quota;
  if (limit === null) return;
  const others = await countConnections(store, id, profile.id);
  if (others + profile.maxConnections > limit) throw quotaExceeded('connections', limit);
};
