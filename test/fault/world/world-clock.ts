/** The clock that the functions see: the machine's, set forward where there is nothing to do but wait. */
export class WorldClock {
  #ahead: number;
  #paused = 0;
  readonly #sleepers: { readonly at: number; readonly wake: () => void }[] = [];

  constructor(aheadMilliseconds: number) {
    this.#ahead = aheadMilliseconds;
  }

  get aheadMilliseconds(): number {
    return this.#ahead;
  }

  now(): number {
    return Date.now() + this.#ahead;
  }

  jumpTo(instant: number): void {
    this.#ahead += Math.max(0, instant - this.now());
    this.wakeDue();
  }

  wakeDue(): void {
    const now = this.now();
    for (const sleeper of this.#sleepers.filter(({ at }) => at <= now)) {
      this.#sleepers.splice(this.#sleepers.indexOf(sleeper), 1);
      sleeper.wake();
    }
  }

  sleep(seconds: number): Promise<void> {
    return new Promise((wake) => {
      this.#sleepers.push({ at: this.now() + seconds * 1000, wake });
    });
  }

  /** As sleep, for what the script of a run waits for: while it does anything else the clock must not jump. */
  async pause(seconds: number): Promise<void> {
    this.#paused += 1;
    await this.sleep(seconds);
    this.#paused -= 1;
  }

  get isPaused(): boolean {
    return this.#paused > 0;
  }

  /** Whoever sleeps is never woken. */
  forgetSleepers(): void {
    this.#sleepers.length = 0;
    this.#paused = 0;
  }

  nextWake(): number {
    return Math.min(...this.#sleepers.map(({ at }) => at), Number.POSITIVE_INFINITY);
  }
}
