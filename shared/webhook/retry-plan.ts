/** Seconds before each attempt but the first, which is made at once. */
const waits = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400] as const;

/** Attempts that an event gets before its webhook is disabled. */
export const attemptLimit = waits.length + 1;

const longestSeconds = 86_400;
const jitter = 0.1;

/**
 * Seconds to the next attempt; undefined after the last one. What the endpoint asked for in Retry-After is kept, up to a
 * day. Never earlier than the table says, and up to a tenth later, so that the webhooks of one host do not come at once.
 *
 * @param failed attempts so far, at least 1
 */
export const secondsToNextAttempt = (
  failed: number,
  options: {
    readonly retryAfterSeconds: number | undefined;
    /** The organization's cap of each wait. */
    readonly maxSeconds: number;
    readonly random: () => number;
  },
): number | undefined => {
  const wait = waits[failed - 1];
  if (wait === undefined) return undefined;
  const shortened = Math.min(wait, options.maxSeconds);
  const planned = shortened + Math.floor(shortened * jitter * options.random());
  return Math.min(Math.max(planned, options.retryAfterSeconds ?? 0), Math.max(longestSeconds, planned));
};

/** Seconds of a Retry-After header (RFC 9110 section 10.2.3): a number, or a date. Undefined when it is neither. */
export const readRetryAfter = (text: string | null | undefined, now: Date): number | undefined => {
  const value = text?.trim() ?? '';
  if (/^\d{1,9}$/.test(value)) return Number(value);
  const at = /^[A-Za-z]{3,9},? /.test(value) ? Date.parse(value) : Number.NaN;
  return Number.isNaN(at) ? undefined : Math.max(0, (at - now.getTime()) / 1000);
};
