import * as z from 'zod';
import type { SendLimits } from '../server-profile/server-profile.ts';

/**
 * How many emails went out through a server profile of late, counted by short stretches of time: of any minute and any
 * day, not only of those of the clock. The revision lets a write find out whether another came between.
 */
export const sendQuotaSchema = z.object({
  revision: z.int(),
  minute: z.record(z.string(), z.int()),
  day: z.record(z.string(), z.int()),
});
export type SendQuota = z.output<typeof sendQuotaSchema>;

export const emptySendQuota: SendQuota = { revision: 0, minute: {}, day: {} };

export type SendPermit = { readonly taken: SendQuota } | { readonly until: number };

interface Window {
  readonly limit: keyof SendLimits;
  readonly counts: 'minute' | 'day';
  readonly spanMilliseconds: number;
  /** A stretch counts until its end has left the window, so waits are longer by as much. */
  readonly stretchMilliseconds: number;
}

const windows: readonly Window[] = [
  { limit: 'perMinute', counts: 'minute', spanMilliseconds: 60_000, stretchMilliseconds: 5_000 },
  { limit: 'perDay', counts: 'day', spanMilliseconds: 86_400_000, stretchMilliseconds: 1_800_000 },
];

/** A mailbox that sends many leaves a tenth to those that send few, or theirs would wait for all of its emails. */
const reserveOf = (limit: number): number => Math.floor(limit / 10);

const endOf = ({ spanMilliseconds, stretchMilliseconds }: Window, stretch: string): number =>
  (Number(stretch) + 1) * stretchMilliseconds + spanMilliseconds;

const stillCounting = (window: Window, quota: SendQuota, now: number): readonly (readonly [string, number])[] =>
  Object.entries(quota[window.counts])
    .filter(([stretch]) => endOf(window, stretch) > now)
    .sort(([one], [other]) => Number(one) - Number(other));

/** When fewer than `limit` emails count; now, if that is so already. */
const freeAt = (window: Window, counts: ReturnType<typeof stillCounting>, limit: number, now: number): number => {
  let counted = counts.reduce((sum, [, count]) => sum + count, 0);
  let at = now;
  for (const [stretch, count] of counts) {
    if (counted < limit) break;
    counted -= count;
    at = endOf(window, stretch);
  }
  return at;
};

/**
 * One email more: what the counts become, or until when it waits. Pure.
 *
 * @param ofMany it is one of many that wait in its mailbox
 */
export const takePermit = (
  quota: SendQuota,
  limits: SendLimits,
  { now, ofMany }: { readonly now: number; readonly ofMany: boolean },
): SendPermit => {
  const taken = { revision: quota.revision + 1, minute: {}, day: {} };
  let until = now;
  for (const window of windows) {
    const limit = limits[window.limit];
    if (limit === undefined) continue;
    const counts = stillCounting(window, quota, now);
    until = Math.max(until, freeAt(window, counts, limit - (ofMany ? reserveOf(limit) : 0), now));
    const stretch = String(Math.floor(now / window.stretchMilliseconds));
    const before = Object.fromEntries(counts);
    taken[window.counts] = { ...before, [stretch]: (before[stretch] ?? 0) + 1 };
  }
  return until > now ? { until } : { taken };
};
