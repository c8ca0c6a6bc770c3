import type { Organization } from '../organization/organization.ts';
import { FaultError } from '../platform/fault.ts';
import { type RecordsTable, recordKey } from '../platform/records-table.ts';
import { quotaExceeded } from './require-quota.ts';

/** Requests are counted by windows: short enough to wait for, long enough to let a burst through. */
const windowMilliseconds = 10_000;
const defaultPerSecond = 200;
const keptSeconds = 3_600;
const dayKeptSeconds = 40 * 86_400;
/** How long requests wait here before the others are told of them. */
const patienceMilliseconds = 2_000;
const dayPatienceMilliseconds = 30_000;
const dayBlock = 50;
const entries = 5_000;

interface Count {
  /** Of all functions, when it was last told. */
  known: number;
  /** Of this function, since then. */
  pending: number;
  /** Since when requests are pending (epoch milliseconds). */
  since: number;
}

const newCount = (at: number): Count => ({ known: 0, pending: 0, since: at });

/** The counter of an organization's requests of a day (UTC). */
const dayKey = (organizationId: string, day: string) => recordKey(organizationId, 'counter', `apiCalls#${day}`);

/** Whoever is counted: a key, or a user over all sessions. */
export interface Metered {
  /** `deploymentScope` for operators. */
  readonly scope: string;
  readonly id: string;
  readonly quota: Organization['quota'] | undefined;
}

/**
 * Counts requests against the limits of a key and of an organization. Each function counts by itself and adds what it
 * counted to the shared counters now and then: one write for fifty requests of a busy key instead of one for each. All
 * functions together may so let through a fiftieth of the limit, each, more than it.
 */
export class RequestMeter {
  readonly #table: RecordsTable;
  readonly #now: () => Date;
  readonly #windows = new Map<string, Count & { readonly window: number }>();
  readonly #days = new Map<string, Count & { readonly day: string }>();

  constructor(table: RecordsTable, now: () => Date) {
    this.#table = table;
    this.#now = now;
  }

  /** @throws FaultError rateLimited, quotaExceeded */
  async admit(metered: Metered): Promise<void> {
    await this.#admitToWindow(metered);
    if (metered.quota !== undefined) await this.#admitToDay(metered.scope, metered.quota.apiCallsPerDay);
  }

  /** Requests of an organization today, as far as the functions have told. */
  async callsToday(organizationId: string): Promise<number> {
    const day = this.#today();
    const count = this.#days.get(organizationId);
    const stored = await this.#table.get(dayKey(organizationId, day));
    return Number(stored?.['value'] ?? 0) + (count?.day === day ? count.pending : 0);
  }

  #today(): string {
    return this.#now().toISOString().slice(0, 10);
  }

  async #admitToWindow({ scope, id, quota }: Metered): Promise<void> {
    const now = this.#now().getTime();
    const window = Math.floor(now / windowMilliseconds);
    const limit = ((quota?.requestsPerSecond ?? defaultPerSecond) * windowMilliseconds) / 1000;
    const present = this.#windows.get(id);
    const count = present?.window === window ? present : { window, ...newCount(now) };
    if (present !== count) this.#keep(this.#windows, id, count);
    const refuse = (): never => {
      const seconds = Math.max(1, Math.ceil(((window + 1) * windowMilliseconds - now) / 1000));
      throw new FaultError('rateLimited', {
        detail: `More than ${limit} requests in ${windowMilliseconds / 1000} seconds`,
        headers: { 'retry-after': String(seconds) },
      });
    };
    if (count.known + count.pending >= limit) refuse();
    count.pending += 1;
    const block = Math.max(1, Math.floor(limit / 50));
    if (count.pending < block && now - count.since < patienceMilliseconds) return;
    const key = recordKey(scope, 'counter', `requests#${id}#${window}`);
    await this.#tell(count, key, now, keptSeconds);
    if (count.known > limit) refuse();
  }

  async #admitToDay(organizationId: string, limit: number | null): Promise<void> {
    const now = this.#now().getTime();
    const day = this.#today();
    const present = this.#days.get(organizationId);
    const isNew = present?.day !== day;
    const count = isNew ? { day, ...newCount(now) } : present;
    if (isNew) this.#keep(this.#days, organizationId, count);
    if (limit !== null && count.known + count.pending >= limit) throw quotaExceeded('apiCallsPerDay', limit);
    count.pending += 1;
    const due = count.pending >= dayBlock || now - count.since >= dayPatienceMilliseconds;
    // A new function must learn what the others have counted before it can hold anybody to the limit.
    if (!due && !(isNew && limit !== null)) return;
    await this.#tell(count, dayKey(organizationId, day), now, dayKeptSeconds);
    if (limit !== null && count.known > limit) throw quotaExceeded('apiCallsPerDay', limit);
  }

  async #tell(count: Count, key: ReturnType<typeof recordKey>, now: number, seconds: number): Promise<void> {
    const told = count.pending;
    count.pending = 0;
    count.since = now;
    try {
      count.known = await this.#table.increment(key, {
        by: told,
        expiresAt: Math.floor(now / 1000) + seconds,
      });
    } catch {
      // What cannot be counted now holds nobody up, and is told with what comes next.
      count.pending += told;
    }
  }

  #keep<Value>(counts: Map<string, Value>, id: string, count: Value): void {
    if (counts.size >= entries) counts.clear();
    counts.set(id, count);
  }
}
