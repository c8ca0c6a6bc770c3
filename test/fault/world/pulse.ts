/** Tells whoever waits that something has happened. */
export class Pulse {
  #waiting: (() => void)[] = [];
  #lastBeat = performance.now();
  #beaten = false;

  /** Milliseconds since the last sign of life. */
  get silence(): number {
    return performance.now() - this.#lastBeat;
  }

  /** A sign of life that nobody has to look at. */
  stir(): void {
    this.#lastBeat = performance.now();
  }

  beat(): void {
    this.stir();
    this.#beaten = true;
    for (const wake of this.#waiting.splice(0)) wake();
  }

  /** Until the next beat, or the one since the last wait; at most so long. */
  async wait(milliseconds: number): Promise<void> {
    if (!this.#beaten) {
      let timer: NodeJS.Timeout | undefined;
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
        timer = setTimeout(resolve, milliseconds);
      });
      clearTimeout(timer);
    }
    this.#beaten = false;
  }
}
