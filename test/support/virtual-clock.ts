interface Waiting {
  readonly at: number;
  readonly order: number;
  readonly wake: () => void;
}

const isBefore = (one: Waiting, other: Waiting): boolean =>
  one.at < other.at || (one.at === other.at && one.order < other.order);

/** Time that passes only when all that runs waits for it, so that a simulated hour takes a second and repeats exactly. */
export class VirtualClock {
  #now: number;
  #order = 0;
  /** A binary heap, the earliest first. */
  readonly #waiting: Waiting[] = [];

  constructor(now: number) {
    this.#now = now;
  }

  readonly now = (): number => this.#now;

  readonly sleep = (milliseconds: number): Promise<void> =>
    new Promise((wake) => {
      this.#order += 1;
      this.#add({ at: this.#now + Math.max(0, milliseconds), order: this.#order, wake });
    });

  /** Lets the time pass until then. */
  async runUntil(end: number): Promise<void> {
    for (;;) {
      // All that was woken goes as far as it can without time.
      await new Promise((resolve) => setImmediate(resolve));
      const [next] = this.#waiting;
      if (next === undefined || next.at > end) break;
      this.#takeFirst();
      this.#now = next.at;
      next.wake();
    }
    this.#now = end;
  }

  #add(added: Waiting): void {
    const heap = this.#waiting;
    let place = heap.push(added) - 1;
    while (place > 0) {
      const above = (place - 1) >> 1;
      const parent = heap[above];
      if (parent === undefined || !isBefore(added, parent)) break;
      heap[place] = parent;
      place = above;
    }
    heap[place] = added;
  }

  #takeFirst(): void {
    const heap = this.#waiting;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let place = 0;
    for (;;) {
      const left = 2 * place + 1;
      const [one, other] = [heap[left], heap[left + 1]];
      if (one === undefined) break;
      const isRight = other !== undefined && isBefore(other, one);
      const child = isRight ? other : one;
      if (!isBefore(child, last)) break;
      heap[place] = child;
      place = isRight ? left + 1 : left;
    }
    heap[place] = last;
  }
}
