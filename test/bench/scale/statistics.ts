/** Durations in steps of a tenth of a second, up to four hours. */
export class Durations {
  readonly #buckets = new Uint32Array(144_001);
  #count = 0;
  #most = 0;

  add(milliseconds: number): void {
    const bucket = Math.min(this.#buckets.length - 1, Math.max(0, Math.round(milliseconds / 100)));
    this.#buckets[bucket] = (this.#buckets[bucket] ?? 0) + 1;
    this.#count += 1;
    this.#most = Math.max(this.#most, milliseconds);
  }

  merge(other: Durations): void {
    for (const [bucket, count] of other.#buckets.entries())
      if (count > 0) this.#buckets[bucket] = (this.#buckets[bucket] ?? 0) + count;
    this.#count += other.#count;
    this.#most = Math.max(this.#most, other.#most);
  }

  get count(): number {
    return this.#count;
  }

  /** Seconds below which this share of the durations lies. */
  percentile(share: number): number {
    const wanted = Math.ceil(this.#count * share);
    let seen = 0;
    for (let bucket = 0; bucket < this.#buckets.length; bucket += 1) {
      seen += this.#buckets[bucket] ?? 0;
      if (seen >= wanted) return bucket / 10;
    }
    return this.most;
  }

  get most(): number {
    return this.#most / 1000;
  }
}

/** How much of something happened in each second of the time that is looked at. */
export class Rate {
  readonly #from: number;
  readonly #seconds: Float32Array;
  total = 0;

  constructor(from: number, until: number) {
    this.#from = from;
    this.#seconds = new Float32Array(Math.ceil((until - from) / 1000));
  }

  add(now: number, amount = 1): void {
    const second = Math.floor((now - this.#from) / 1000);
    if (second < 0 || second >= this.#seconds.length) return;
    this.#seconds[second] = (this.#seconds[second] ?? 0) + amount;
    this.total += amount;
  }

  get mean(): number {
    return this.total / this.#seconds.length;
  }

  get peak(): number {
    return this.#seconds.reduce((highest, amount) => Math.max(highest, amount), 0);
  }
}

/** The highest amount in one second for each of some keys, without keeping the seconds. */
export class HottestKeys<Key> {
  readonly #entries = new Map<Key, { second: number; amount: number; peak: number; total: number }>();

  add(key: Key, now: number, amount: number): void {
    const second = Math.floor(now / 1000);
    let entry = this.#entries.get(key);
    if (entry === undefined) {
      entry = { second, amount: 0, peak: 0, total: 0 };
      this.#entries.set(key, entry);
    }
    if (entry.second !== second) {
      entry.second = second;
      entry.amount = 0;
    }
    entry.amount += amount;
    entry.total += amount;
    entry.peak = Math.max(entry.peak, entry.amount);
  }

  /** The key with the highest second. */
  get hottest(): { readonly key: Key | undefined; readonly peak: number; readonly total: number } {
    let found: { key: Key | undefined; peak: number; total: number } = { key: undefined, peak: 0, total: 0 };
    for (const [key, { peak, total }] of this.#entries) if (peak > found.peak) found = { key, peak, total };
    return found;
  }
}
