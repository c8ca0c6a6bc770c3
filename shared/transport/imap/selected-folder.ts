import type { FetchQueryObject, SearchObject } from 'imapflow';
import { RefusedFetchError } from '../refused-fetch.ts';
import { TransportError } from '../transport-error.ts';
import type { BulkFetchClient } from './bulk-fetch-client.ts';
import { classifyImapError } from './classify-imap-error.ts';
import type { FetchAnswer } from './fetch-answer.ts';
import type { ImapConnection } from './imap-connection.ts';
import { refusedCommand } from './refused-command.ts';
import { toSequenceSet } from './sequence-set.ts';

const nothing = (): void => undefined;

/** An answer of NO or BAD without a code: those that have one tell of more than of a message. */
const isRefusal = (error: unknown): error is TransportError => {
  if (!(error instanceof TransportError) || error.fault.code !== 'serverError') return false;
  const { cause } = error;
  return cause instanceof Error && 'responseStatus' in cause && !('serverResponseCode' in cause);
};

/** The folder that a connection has open: one at a time, so whoever works with one takes a turn. */
export class SelectedFolder {
  readonly #connection: ImapConnection;
  readonly #client: BulkFetchClient;
  #selected: string | undefined;
  /** Ends when every call that was made has ended. */
  #last: Promise<void> = Promise.resolve();

  constructor(connection: ImapConnection) {
    this.#connection = connection;
    this.#client = connection.client;
  }

  within<Answer>(answer: Promise<Answer>): Promise<Answer> {
    return this.#connection.within('established', answer);
  }

  /** Opens read-only (EXAMINE): nothing that is read gets marked. */
  async select(folder: string): Promise<void> {
    if (this.#selected === folder) return;
    this.#selected = undefined;
    await this.within(this.#client.mailboxOpen(folder, { readOnly: true }));
    this.#selected = folder;
  }

  /** For what opens a folder in another way: the next call opens its own anew. */
  forget(): void {
    this.#selected = undefined;
  }

  /** While a folder is open read-only, the library takes no flag for possible in any folder and leaves them out. */
  async unselect(): Promise<void> {
    if (this.#selected === undefined) return;
    this.#selected = undefined;
    await this.within(this.#client.mailboxClose());
  }

  /**
   * Once the connection has gone the library answers with no messages instead of an error. Taken for an answer, that
   * would say that the messages are gone.
   *
   * @throws TransportError
   */
  requireOpen(): void {
    const { usable, mailbox, byeReason } = this.#client;
    if (usable && mailbox !== false) return;
    throw classifyImapError({ code: 'NoConnection', reason: byeReason }, 'established');
  }

  /**
   * `take` says whether an answer was what was asked for; further answers of a message are passed over. Some servers
   * refuse the whole command for one message that they cannot read (Exchange: BAD Command Error. 12): then each is asked
   * for by itself, and those that are refused do not come.
   *
   * @throws RefusedFetchError when not one of them comes
   */
  async fetch(
    folder: string,
    uids: readonly number[],
    query: FetchQueryObject,
    take: (answer: FetchAnswer) => boolean,
  ): Promise<void> {
    if (uids.length === 0) return;
    const wanted = new Set(uids);
    const refusal = await this.#fetchTogether(folder, uids, query, { wanted, take });
    if (refusal === undefined) return;
    if (uids.length > 1)
      for (const uid of [...wanted]) await this.#fetchTogether(folder, [uid], query, { wanted, take });
    if (wanted.size === uids.length) throw refusal;
  }

  /** @returns why the server refused the command */
  async #fetchTogether(
    folder: string,
    uids: readonly number[],
    query: FetchQueryObject,
    { wanted, take }: { readonly wanted: Set<number>; readonly take: (answer: FetchAnswer) => boolean },
  ): Promise<RefusedFetchError | undefined> {
    let failure: { readonly error: unknown } | undefined;
    let refusal: RefusedFetchError | undefined;
    await this.turn(async () => {
      await this.select(folder);
      try {
        await this.#connection.withinEach('established', (heard) =>
          this.#client.fetchSections(toSequenceSet(uids), query, (answer) => {
            heard();
            // Servers may send flags of other messages in between.
            if (failure !== undefined || !wanted.has(answer.uid)) return;
            try {
              if (take(answer)) wanted.delete(answer.uid);
            } catch (error) {
              failure = { error };
            }
          }),
        );
      } catch (error) {
        refusal = this.#requireRefusal(error);
      }
      this.requireOpen();
    });
    if (failure !== undefined) throw failure.error;
    return refusal;
  }

  /** Waits for what one message is asked for. @throws RefusedFetchError, TransportError */
  async fetchOne<Answer>(answer: Promise<Answer>): Promise<Answer> {
    try {
      return await this.within(answer);
    } catch (error) {
      throw this.#requireRefusal(error);
    }
  }

  /** @throws whatever is no refusal */
  #requireRefusal(error: unknown): RefusedFetchError {
    if (!isRefusal(error) || !this.#client.usable) throw error;
    return new RefusedFetchError(error);
  }

  async search(query: SearchObject, folder: string): Promise<readonly number[]> {
    const found = await this.within(this.#client.search(query, { uid: true }));
    if (!Array.isArray(found)) throw refusedCommand(`the search in ${folder}`);
    return found;
  }

  /** One call after the other: each works with the folder that it opened. */
  turn<Result>(work: () => Promise<Result>): Promise<Result> {
    const turn = this.#last.then(work);
    this.#last = turn.then(nothing, nothing);
    return turn;
  }
}
