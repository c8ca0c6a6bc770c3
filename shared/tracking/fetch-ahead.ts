import type { FetchedWindow } from './fetch-window.ts';

const windowsAhead = 2;
/** Headers of a window that hold more are not joined by those of further windows. */
const mostHeaderBytes = 2 * 1024 * 1024;

/** Asks for the windows to come while the one before them is decided and stored, so that neither side waits. */
export class FetchAhead {
  readonly #fetch: (uids: readonly number[]) => Promise<FetchedWindow>;
  readonly #windows: (readonly number[])[];
  readonly #asked: Promise<FetchedWindow>[] = [];

  constructor(windows: readonly (readonly number[])[], fetch: (uids: readonly number[]) => Promise<FetchedWindow>) {
    this.#windows = [...windows];
    this.#fetch = fetch;
  }

  /** The next window; call it once for each. */
  async next(): Promise<FetchedWindow> {
    this.#askFor(1);
    const [next] = this.#asked.splice(0, 1);
    if (next === undefined) throw new Error('There is no further window');
    const window = await next;
    if (window.headerBytes <= mostHeaderBytes) this.#askFor(windowsAhead);
    return window;
  }

  #askFor(count: number): void {
    for (const uids of this.#windows.splice(0, count - this.#asked.length)) {
      const answer = this.#fetch(uids);
      // Of a window whose turn does not come nobody asks whether it failed.
      answer.catch(() => undefined);
      this.#asked.push(answer);
    }
  }
}
