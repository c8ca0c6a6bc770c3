import type { MailboxSession } from '../transport/mailbox-session.ts';
import { RefusedFetchError } from '../transport/refused-fetch.ts';

/** Messages that were listed and did not come. */
export interface MissingMessages {
  /** They have left the folder. */
  readonly gone: readonly number[];
  /** The server still lists them: a copy of the mailbox that lags behind, or an answer that nobody can read. */
  readonly withheld: readonly number[];
}

const witnesses = 3;
const uidsBefore = 10_000;

/** Whether the server sends other messages of the folder: then a refusal is a matter of those that were asked for. */
const sendsOthers = async (session: MailboxSession, folder: string, uids: readonly number[]): Promise<boolean> => {
  const asked = new Set(uids);
  const listed = await session.listUids(folder, Math.max(0, Math.min(...uids) - uidsBefore));
  for (const uid of listed.filter((one) => !asked.has(one)).slice(-witnesses)) {
    try {
      if ((await session.fetchMessage(folder, uid, 0, 1)) !== undefined) return true;
    } catch (error) {
      if (!(error instanceof RefusedFetchError)) throw error;
    }
  }
  return false;
};

/**
 * Fetches messages, and asks once more for those that do not come: only what a new search does not name either is gone.
 *
 * @param fetch returns those that did not come
 * @throws RefusedFetchError when they are refused, and so is everything else
 */
export const fetchListed = async (
  session: MailboxSession,
  folder: string,
  uids: readonly number[],
  fetch: (uids: readonly number[]) => Promise<readonly number[]>,
): Promise<MissingMessages> => {
  const ask = async (asked: readonly number[]): Promise<readonly number[]> => {
    try {
      return await fetch(asked);
    } catch (error) {
      if (!(error instanceof RefusedFetchError) || !(await sendsOthers(session, folder, asked))) throw error;
      return asked;
    }
  };
  const missing = await ask(uids);
  if (missing.length === 0) return { gone: [], withheld: [] };
  const stillMissing = await ask(missing);
  const listed = new Set(await session.stillListed(folder, stillMissing));
  return {
    gone: stillMissing.filter((uid) => !listed.has(uid)),
    withheld: stillMissing.filter((uid) => listed.has(uid)),
  };
};
