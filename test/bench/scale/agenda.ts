/**
 * What will happen when, on a virtual clock: a binary heap in typed arrays, so that a day of many million events
 * allocates nothing.
 */
export class Agenda {
  #times = new Float64Array(1 << 18);
  #kinds = new Uint8Array(1 << 18);
  #firsts = new Int32Array(1 << 18);
  #seconds = new Int32Array(1 << 18);
  #size = 0;
  /** The event that `take` took. */
  time = 0;
  kind = 0;
  first = 0;
  second = 0;

  get size(): number {
    return this.#size;
  }

  add(time: number, kind: number, first: number, second = 0): void {
    if (this.#size === this.#times.length) this.#grow();
    let place = this.#size;
    this.#size += 1;
    while (place > 0) {
      const parent = (place - 1) >> 1;
      if (this.#at(parent) <= time) break;
      this.#move(parent, place);
      place = parent;
    }
    this.#set(place, time, kind, first, second);
  }

  /** Takes the earliest event; false when there is none. */
  take(): boolean {
    if (this.#size === 0) return false;
    this.time = this.#at(0);
    this.kind = this.#kinds[0] ?? 0;
    this.first = this.#firsts[0] ?? 0;
    this.second = this.#seconds[0] ?? 0;
    this.#size -= 1;
    const last = this.#size;
    const time = this.#at(last);
    let place = 0;
    for (;;) {
      let child = 2 * place + 1;
      if (child >= last) break;
      if (child + 1 < last && this.#at(child + 1) < this.#at(child)) child += 1;
      if (this.#at(child) >= time) break;
      this.#move(child, place);
      place = child;
    }
    this.#move(last, place);
    return true;
  }

  #at(place: number): number {
    return this.#times[place] ?? Number.POSITIVE_INFINITY;
  }

  #move(from: number, to: number): void {
    this.#set(to, this.#at(from), this.#kinds[from] ?? 0, this.#firsts[from] ?? 0, this.#seconds[from] ?? 0);
  }

  #set(place: number, time: number, kind: number, first: number, second: number): void {
    this.#times[place] = time;
    this.#kinds[place] = kind;
    this.#firsts[place] = first;
    this.#seconds[place] = second;
  }

  #grow(): void {
    const length = this.#times.length * 2;
    const times = new Float64Array(length);
    times.set(this.#times);
    this.#times = times;
    const kinds = new Uint8Array(length);
    kinds.set(this.#kinds);
    this.#kinds = kinds;
    const firsts = new Int32Array(length);
    firsts.set(this.#firsts);
    this.#firsts = firsts;
    const seconds = new Int32Array(length);
    seconds.set(this.#seconds);
    this.#seconds = seconds;
  }
}
