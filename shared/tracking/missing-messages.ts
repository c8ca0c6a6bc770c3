import type { MailboxSession } from '../transport/mailbox-session.ts';

/** Messages that were listed and did not come. */
export interface MissingMessages {
  /** They have left the folder. */
  readonly gone: readonly number[];
  /** The server still lists them: a copy of the mailbox that lags behind, or an answer that nobody can read. */
  readonly withheld: readonly number[];
}

/**
 * Fetches messages, and asks once more for those that do not come: only what a new search does not name either is gone.
 *
 * @param fetch returns those that did not come
 */
export const fetchListed = async (
  session: MailboxSession,
  folder: string,
  uids: readonly number[],
  fetch: (uids: readonly number[]) => Promise<readonly number[]>,
): Promise<MissingMessages> => {
  const missing = await fetch(uids);
  if (missing.length === 0) return { gone: [], withheld: [] };
  const stillMissing = await fetch(missing);
  const listed = new Set(await session.stillListed(folder, stillMissing));
  return {
    gone: stillMissing.filter((uid) => !listed.has(uid)),
    withheld: stillMissing.filter((uid) => listed.has(uid)),
  };
};
