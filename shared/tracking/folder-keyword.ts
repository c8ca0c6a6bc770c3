import { isDeepStrictEqual } from 'node:util';
import type { FolderCursor } from '../cycle/cycle.ts';
import type { TrackedFolder } from './fetch-window.ts';
import { followKeyword } from './follow-keyword.ts';
import { markTracked } from './mark-tracked.ts';
import type { TrackingRun } from './tracking-run.ts';

/** The tracked keyword in one folder, during one run. */
export class FolderKeyword {
  readonly #run: TrackingRun;
  readonly #folder: TrackedFolder;
  readonly #marked = new Set<number>();

  constructor(run: TrackingRun, folder: TrackedFolder) {
    this.#run = run;
    this.#folder = folder;
  }

  /** Puts it on messages that are tracked. */
  async mark(cursor: FolderCursor, uids: readonly number[]): Promise<void> {
    for (const uid of await markTracked(this.#run, this.#folder.path, cursor.uidValidity, uids)) this.#marked.add(uid);
  }

  /**
   * Does what people asked for by putting it on messages and taking it off.
   *
   * @returns the cursor that is to be saved, the same when nothing changed
   */
  async follow(cursor: FolderCursor, mayGoOn: () => boolean) {
    const { category, ...counts } = await followKeyword(this.#run, this.#folder, cursor, this.#marked, mayGoOn);
    if (isDeepStrictEqual(category, cursor.category)) return { cursor, ...counts };
    const { category: _, ...rest } = cursor;
    return { cursor: { ...rest, ...(category === undefined ? {} : { category }) }, ...counts };
  }
}
