/** Longer than a real server on a slow machine works on an answer; whoever waits so long waits for ever. */
const longestAnswerMilliseconds = 20_000;

/** Tells whoever waits that something has happened. */
export class Pulse {
  #waiting: (() => void)[] = [];
  #lastBeat = performance.now();
  #beaten = false;
  /** When each answer was asked for that is still to come. */
  readonly #asked = new Set<{ readonly at: number }>();

  /** Milliseconds since the last sign of life; none while something real works on an answer, however slow the machine. */
  get silence(): number {
    const now = performance.now();
    return [...this.#asked].some(({ at }) => now - at < longestAnswerMilliseconds) ? 0 : now - this.#lastBeat;
  }

  /** Something real was asked for an answer, and works on it until what is returned is called. */
  ask(): () => void {
    const asked = { at: performance.now() };
    this.#asked.add(asked);
    return () => {
      if (this.#asked.delete(asked)) this.stir();
    };
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
