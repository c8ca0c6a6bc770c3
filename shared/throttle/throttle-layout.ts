import type { ServerProfile } from '../server-profile/server-profile.ts';

type Layout = ServerProfile['throttle'];

/** About 1 KB of leases, so that taking one costs one or two write units and not many. */
const connectionsPerShard = 50;

/**
 * Longer than any lease lives plus any staleness of a profile that a run has read: once it has passed, no lease of the
 * old layout can be held, so the new one starts from nothing without ever passing the limit.
 */
const changeoverMilliseconds = 960_000;

const shardsFor = (maxConnections: number): number => Math.max(1, Math.ceil(maxConnections / connectionsPerShard));

export const initialLayout = (maxConnections: number): Layout => ({ shards: shardsFor(maxConnections) });

/** How the counter of a profile is laid out at an instant (epoch milliseconds). */
export const layoutAt = (
  layout: Layout,
  now: number,
): { readonly shards: number /** No lease may outlive this. */; readonly until: number } => {
  if (layout.next === undefined) return { shards: layout.shards, until: Number.POSITIVE_INFINITY };
  if (now >= layout.next.since) return { shards: layout.next.shards, until: Number.POSITIVE_INFINITY };
  return { shards: layout.shards, until: layout.next.since };
};

/**
 * The layout after a change of maxConnections. The new limit holds at once; another number of shards takes over only
 * when every lease of the old layout must have ended.
 */
export const changeLayout = (profile: Pick<ServerProfile, 'throttle'>, maxConnections: number, now: Date): Layout => {
  const current = layoutAt(profile.throttle, now.getTime());
  const wanted = shardsFor(maxConnections);
  if (wanted === current.shards) return { shards: current.shards };
  if (profile.throttle.next?.shards === wanted && current.until !== Number.POSITIVE_INFINITY) return profile.throttle;
  return { shards: current.shards, next: { shards: wanted, since: now.getTime() + changeoverMilliseconds } };
};

/** The share of the limit that one shard holds; the shares add up to the limit. */
export const shardLimit = (limit: number, shards: number, shard: number): number =>
  Math.floor(limit / shards) + (shard < limit % shards ? 1 : 0);

/** The shard of a mailbox: always the same one, because its lease also keeps two runs of the mailbox apart. */
export const shardOf = (mailboxId: string, shards: number): number => {
  let hash = 2_166_136_261;
  for (const character of mailboxId) hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 16_777_619) >>> 0;
  return hash % shards;
};
