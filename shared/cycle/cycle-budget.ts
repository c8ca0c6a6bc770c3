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
  #wasCut = false;

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

  /**
   * Those that may be taken, from the first one on: as many as their bytes allow, counted as if all were read, and always
   * one, or a large message would stop everything behind it.
   */
  within<Message extends { readonly sizeBytes: number }>(messages: readonly Message[]): readonly Message[] {
    let bytes = this.#bytes;
    const most = messages.findIndex(({ sizeBytes }, index) => {
      bytes += sizeBytes;
      return index > 0 && bytes > this.#limits.maxBytes;
    });
    if (most < 0) return messages;
    this.#wasCut = true;
    return messages.slice(0, most);
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
    if (this.#wasCut || this.#bytes >= this.#limits.maxBytes) return 'maxBytes';
    const now = this.#now().getTime();
    return now >= this.#endsAt && this.#endsAt < this.#deadline ? 'maxSeconds' : undefined;
  }
}
