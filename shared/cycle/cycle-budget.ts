import type { Settings } from '../organization/settings.ts';

/** The limit of one cycle that a mailbox has met. */
export type CycleLimit = 'maxMessages' | 'maxBytes' | 'maxSeconds';

/** What one run of a mailbox may still take, over all its folders. */
export class CycleBudget {
  readonly #limits: Settings['limits']['cycle'];
  readonly #now: () => Date;
  /** Of the function (epoch milliseconds). */
  readonly #deadline: number;
  readonly #endsAt: number;
  #messages = 0;
  #bytes = 0;

  constructor(limits: Settings['limits']['cycle'], deadline: number, now: () => Date) {
    this.#limits = limits;
    this.#now = now;
    this.#deadline = deadline;
    this.#endsAt = now().getTime() + limits.maxSeconds * 1000;
  }

  /** Messages that may be taken at a time. */
  windowSize(most: number): number {
    return Math.min(most, this.#limits.maxMessages);
  }

  spend(messages: number, bytes: number): void {
    this.#messages += messages;
    this.#bytes += bytes;
  }

  /** Whether what is under way may go on: time alone can end it. */
  mayGoOn(): boolean {
    return this.#now().getTime() < Math.min(this.#deadline, this.#endsAt);
  }

  /** Whether something new may begin. */
  mayBegin(): boolean {
    return this.mayGoOn() && this.met() === undefined;
  }

  /** Undefined: none, or the function's own time is over. */
  met(): CycleLimit | undefined {
    if (this.#messages >= this.#limits.maxMessages) return 'maxMessages';
    if (this.#bytes >= this.#limits.maxBytes) return 'maxBytes';
    const now = this.#now().getTime();
    return now >= this.#endsAt && this.#endsAt < this.#deadline ? 'maxSeconds' : undefined;
  }
}
