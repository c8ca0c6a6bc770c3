import * as z from 'zod';
import { faultSchema } from '../platform/fault.ts';
import { utilizationShape } from './utilization.ts';

/** Expiry (epoch milliseconds) and the generation that the run belongs to. */
const leaseSchema = z.tuple([z.number(), z.number()]);

/**
 * The connection counter of one shard of a profile, with its leases in the same item, so that one conditional update
 * takes a connection and the lease that keeps a second run of the same mailbox and lane away. What a killed process
 * held comes back by expiry.
 */
export const throttleItemSchema = z.object({
  /** Connections counted; never above the number of leases that stand in the item. */
  n: z.number().int(),
  /** Who has no ticket may not try before this instant. */
  q: z.number(),
  /** The same for those who send, where a place is kept for them: they stand in a line of their own. */
  sendingQ: z.number().optional(),
  leases: z.record(z.string(), leaseSchema),
  /** Leases of runs that died, whose places others have taken since: their next runs are to know of it. */
  died: z.record(z.string(), leaseSchema).optional(),
  /** How long a connection is held, in milliseconds, as a moving mean. */
  hold: z.number().optional(),
  /**
   * Faults in a row of the server that is read; while there are any, only one run at a time tries it after `pausedUntil`.
   */
  failures: z.number().int().optional(),
  pausedUntil: z.number().optional(),
  fault: faultSchema.optional(),
  /** The same for the server that sends, which may be well while the other is not. */
  sendingFailures: z.number().int().optional(),
  sendingPausedUntil: z.number().optional(),
  sendingFault: faultSchema.optional(),
  ...utilizationShape,
});
export type ThrottleItem = z.output<typeof throttleItemSchema>;

export const emptyThrottleItem = (): ThrottleItem => ({ n: 0, q: 0, leases: {} });

export const defaultHoldMilliseconds = 2_000;

/** Which of the instants in the item a claim waits for. */
export type ThrottleLine = 'q' | 'sendingQ';

/** The two servers of a profile: each is paused by itself. */
export type ThrottleSide = 'reading' | 'sending';
export const throttleSides: readonly ThrottleSide[] = ['reading', 'sending'];

/** Which attributes of the item tell of the pause of a side. */
export const pauseAttributes = {
  reading: { until: 'pausedUntil', fault: 'fault', failures: 'failures' },
  sending: { until: 'sendingPausedUntil', fault: 'sendingFault', failures: 'sendingFailures' },
} as const;

export interface ThrottleKey {
  readonly pk: string;
  readonly sk: string;
}

export const profileThrottleKey = (organizationId: string, serverProfileId: string, shard: number): ThrottleKey => ({
  pk: `${organizationId}#${serverProfileId}`,
  sk: `throttle#${shard}`,
});

/** The counter that a table's item is; undefined for items of other kinds. */
export const readThrottleItem = (item: Readonly<Record<string, unknown>>): ThrottleItem | undefined =>
  typeof item['sk'] === 'string' && item['sk'].startsWith('throttle#') ? throttleItemSchema.parse(item) : undefined;

export const hostThrottleKey = (host: string): ThrottleKey => ({ pk: `host#${host.toLowerCase()}`, sk: 'throttle#0' });

/** What a refused attempt learns from the item that stood there. */
export type Refusal =
  | { readonly kind: 'running'; readonly until: number }
  | { readonly kind: 'died'; readonly lease: readonly [number, number] }
  | { readonly kind: 'paused'; readonly until: number; readonly fault: ThrottleItem['fault'] }
  | { readonly kind: 'probe'; readonly pausedUntil: number }
  /** `pausedUntil`: the pause that is over, when there was one. */
  | { readonly kind: 'expired'; readonly keys: readonly string[]; readonly pausedUntil: number | undefined }
  | { readonly kind: 'full' }
  | { readonly kind: 'again' };

/**
 * Expired leases that one run replaces at most, each by a part of the expressions: DynamoDB takes 4 KB of one, and 300
 * operators. Places that are left so, later runs give back.
 */
const mostReplaced = 50;

/** Explains a refusal; pure, so that every case can be tested. `available`: what this lane may take of the limit. */
export const explainRefusal = (
  item: ThrottleItem,
  claim: {
    readonly holder: string;
    readonly available: number;
    readonly ignoresPause: boolean;
    readonly side: ThrottleSide;
    readonly line: ThrottleLine;
  },
  now: number,
): Refusal => {
  const { holder, available } = claim;
  const own = item.leases[holder];
  if (own !== undefined) return own[0] > now ? { kind: 'running', until: own[0] } : { kind: 'died', lease: own };
  const pause = pauseAttributes[claim.side];
  const pausedUntil = claim.ignoresPause ? undefined : item[pause.until];
  if (pausedUntil !== undefined && pausedUntil > now)
    return { kind: 'paused', until: pausedUntil, fault: item[pause.fault] };
  if (pausedUntil !== undefined && item.n < available) return { kind: 'probe', pausedUntil };
  const expired = Object.entries(item.leases).flatMap(([key, [expiry]]) => (expiry <= now ? [key] : []));
  if (expired.length > 0 && item.n - expired.length < available)
    return { kind: 'expired', keys: expired.slice(0, mostReplaced), pausedUntil };
  if (item.n >= available || (item[claim.line] ?? 0) > now) return { kind: 'full' };
  return { kind: 'again' };
};

/** A run that died begins again after the visibility time-out, or by the watchdog; and waits where many wait. */
const rememberedMilliseconds = 3_600_000;
/** As many as one invocation can take with it, and some more: every byte of them stands in the item. */
const mostRemembered = 16;

/** The leases of dead runs that the item remembers once these expired ones have been replaced. */
export const rememberDead = (
  { leases, died = {} }: ThrottleItem,
  expired: readonly string[],
  now: number,
): NonNullable<ThrottleItem['died']> => {
  const replaced = expired.flatMap((holder) => {
    const lease = leases[holder];
    // Without a generation it was a run that does not begin again.
    return lease === undefined || lease[1] === 0 ? [] : [[holder, lease] as const];
  });
  const present = Object.entries({ ...died, ...Object.fromEntries(replaced) })
    .filter(([, [expiry]]) => now - expiry < rememberedMilliseconds)
    .sort(([, [one]], [, [other]]) => other - one);
  return Object.fromEntries(present.slice(0, mostRemembered));
};

/** What a write of the item costs: every lease stands in it, by its holder's name, with two numbers. */
const writeUnitsOf = ({ leases, died = {} }: ThrottleItem): number => {
  const holders = [...Object.keys(leases), ...Object.keys(died)];
  const bytes = holders.reduce((sum, holder) => sum + holder.length + 19, 200);
  return Math.ceil(bytes / 1024);
};

/**
 * Tickets for each write unit of the item come no closer than this: a partition bears 1,000 units a second, and of those
 * whose turn has come some find no place yet and ask every second.
 */
const millisecondsPerUnit = 16;

/** The next ticket: places come free every hold / limit milliseconds. */
export const nextTicket = (
  item: ThrottleItem,
  { line, available }: { readonly line: ThrottleLine; readonly available: number },
  now: number,
): number =>
  Math.max(item[line] ?? 0, now) +
  Math.max(millisecondsPerUnit * writeUnitsOf(item), (item.hold ?? defaultHoldMilliseconds) / Math.max(1, available));
