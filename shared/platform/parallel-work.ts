/**
 * Work that comes bit by bit, done in order and at most `limit` at once. After the first error nothing further is begun;
 * `end` throws it when all that was begun has ended, so that nothing goes on behind the caller's back.
 */
export class ParallelWork {
  readonly #limit: number;
  readonly #waiting: (() => Promise<void>)[] = [];
  #running = 0;
  #failure: { readonly error: unknown } | undefined;
  #ended: (() => void) | undefined;

  constructor(limit: number) {
    this.#limit = limit;
  }

  add(work: () => Promise<void>): void {
    if (this.#failure !== undefined) return;
    if (this.#running < this.#limit) void this.#begin(work);
    else this.#waiting.push(work);
  }

  /** Call it once, after the last `add`. */
  async end(): Promise<void> {
    if (this.#running > 0)
      await new Promise<void>((resolve) => {
        this.#ended = resolve;
      });
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  async #begin(first: () => Promise<void>): Promise<void> {
    this.#running += 1;
    for (let work: (() => Promise<void>) | undefined = first; work !== undefined; work = this.#waiting.shift())
      try {
        await work();
      } catch (error) {
        this.#failure ??= { error };
        this.#waiting.length = 0;
      }
    this.#running -= 1;
    if (this.#running === 0) this.#ended?.();
  }
}
