import type { ConnectionTarget, Credentials, Dialler, Login } from '../connection.ts';
import { withLogin } from '../with-login.ts';
import { Pop3Connection, type Pop3ConnectionOptions } from './pop3-connection.ts';
import { login } from './pop3-login.ts';
import type { Pop3Listing, Pop3Session } from './pop3-session.ts';

/** As much of a header as is kept, and how much of one is read on over. */
const keptHeader = 256 * 1024;
const longestHeader = 16 * 1024 * 1024;
/** Larger answers than any message that may be tracked are an attack or a defect: the connection ends. */
const longestAnswer = 192 * 1024 * 1024;

class MaildropSession implements Pop3Session {
  readonly #connection: Pop3Connection;
  /** Whether TOP works: some servers offer it and do not have it, others the other way round. */
  #hasTop: boolean;
  #hasDeleted = false;
  /** Ends when every call that was made has ended. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(connection: Pop3Connection) {
    this.#connection = connection;
    this.#hasTop = connection.capabilities.top;
  }

  list(): Promise<readonly Pop3Listing[]> {
    return this.#turn(async () => {
      const sizes = pairsOf(await this.#connection.askLines('LIST'));
      const names = this.#connection.capabilities.uidl ? await this.#listNames() : undefined;
      return [...sizes].map(([number, size]) => ({
        number,
        sizeBytes: Math.max(0, Number.parseInt(size, 10) || 0),
        uidl: names?.get(number),
      }));
    });
  }

  /** Undefined where the server refuses to name them, which RFC 1939 allows it. */
  #listNames(): Promise<ReadonlyMap<number, string> | undefined> {
    return this.#connection.guard(async () => {
      this.#connection.send('UIDL');
      const refusal = await this.#connection.readStatusOrRefusal();
      return refusal === undefined ? pairsOf(await this.#connection.readLines()) : undefined;
    });
  }

  async readHeaders(numbers: readonly number[], take: (number: number, header: Buffer) => void): Promise<void> {
    await this.#turn(async () => {
      const refused = this.#hasTop
        ? await this.#readEach(
            numbers,
            (number) => `TOP ${number} 0`,
            { kept: keptHeader, longest: longestHeader },
            take,
          )
        : numbers;
      // Not one came: the command itself may be what is refused.
      if (refused.length < numbers.length || refused.length === 0) return;
      const takeHeader = (number: number, start: Buffer): void => take(number, cutBody(start));
      const stillRefused = await this.#readEach(
        numbers,
        retrieve,
        { kept: keptHeader, longest: longestAnswer },
        takeHeader,
      );
      if (stillRefused.length < numbers.length) this.#hasTop = false;
    });
  }

  async readMessages(numbers: readonly number[], take: (number: number, content: Buffer) => void): Promise<void> {
    await this.#turn(() => this.#readEach(numbers, retrieve, { kept: longestAnswer, longest: longestAnswer }, take));
  }

  readMessage(number: number, sizeBytes: number, limitBytes: number): Promise<Buffer | undefined> {
    return this.#turn(async () => {
      const content = new GrowingBuffer(Math.min(limitBytes, sizeBytes + 1024), limitBytes);
      const isSent = await this.#connection.guard(async () => {
        this.#connection.send(retrieve(number));
        if ((await this.#connection.readStatusOrRefusal()) !== undefined) return false;
        await this.#connection.readPieces(longestAnswer, (piece) => content.add(piece));
        return true;
      });
      return isSent ? content.end() : undefined;
    });
  }

  async *streamMessage(number: number): AsyncGenerator<Buffer> {
    const { promise: ended, resolve: end } = Promise.withResolvers<void>();
    const begun = this.#last;
    this.#last = begun.then(() => ended);
    await begun;
    let isWhole = false;
    try {
      this.#connection.send(retrieve(number));
      const refusal = await this.#connection.guard(() => this.#connection.readStatusOrRefusal());
      if (refusal === undefined) {
        const pieces = this.#connection.streamPieces(longestAnswer);
        for (;;) {
          const next = await this.#connection.guard(() => pieces.next());
          if (next.done === true) break;
          yield* next.value;
        }
      }
      isWhole = true;
    } finally {
      // What is left of the answer would be taken for the next one.
      if (!isWhole) this.#connection.cut();
      end();
    }
  }

  async markDeleted(numbers: readonly number[]): Promise<void> {
    if (numbers.length === 0) return;
    await this.#turn(async () => {
      this.#hasDeleted = true;
      const commands = numbers.map((number) => `DELE ${number}`);
      // One that is refused stays, and is marked the next time.
      await this.#connection.exchange(commands, async () => {
        await this.#connection.readStatusOrRefusal();
      });
    });
  }

  async close(): Promise<void> {
    await this.#connection.quit(this.#hasDeleted);
  }

  /** Reads an answer of several lines for each message; returns those that the server refused to send. */
  async #readEach(
    numbers: readonly number[],
    commandOf: (number: number) => string,
    limits: { readonly kept: number; readonly longest: number },
    take: (number: number, content: Buffer) => void,
  ): Promise<readonly number[]> {
    const refused: number[] = [];
    let failure: { readonly error: unknown } | undefined;
    await this.#connection.exchange(numbers.map(commandOf), async (index) => {
      const number = numbers[index] ?? 0;
      if ((await this.#connection.readStatusOrRefusal()) !== undefined) {
        refused.push(number);
        return;
      }
      const pieces: Buffer[] = [];
      let length = 0;
      await this.#connection.readPieces(limits.longest, (piece) => {
        const kept = piece.subarray(0, limits.kept - length);
        if (kept.length > 0) pieces.push(kept);
        length += kept.length;
      });
      if (failure !== undefined) return;
      try {
        take(number, Buffer.concat(pieces, length));
      } catch (error) {
        // The answers that are on their way must be read before anything else can be asked.
        failure = { error };
      }
    });
    if (failure !== undefined) throw failure.error;
    return refused;
  }

  /** One call after the other: answers carry no name. */
  #turn<Result>(work: () => Promise<Result>): Promise<Result> {
    const turn = this.#last.then(work);
    this.#last = turn.then(nothing, nothing);
    return turn;
  }
}

const nothing = (): void => undefined;

const retrieve = (number: number): string => `RETR ${number}`;

/** Lines of a number and a word, as LIST and UIDL answer. */
const pairsOf = (lines: readonly string[]): ReadonlyMap<number, string> =>
  new Map(
    lines.flatMap((line) => {
      const [, number, word] = /^\s*(\d{1,9})\s+(\S+)/.exec(line) ?? [];
      return number === undefined || word === undefined ? [] : [[Number(number), word] as const];
    }),
  );

const cutBody = (message: Buffer): Buffer => {
  const end = message.indexOf('\r\n\r\n');
  return end === -1 ? message : message.subarray(0, end + 4);
};

/** One buffer that takes pieces, up to a limit. */
class GrowingBuffer {
  #bytes: Buffer;
  #length = 0;
  readonly #limit: number;

  constructor(expected: number, limit: number) {
    this.#bytes = Buffer.allocUnsafe(expected);
    this.#limit = limit;
  }

  add(piece: Buffer): void {
    const kept = piece.subarray(0, this.#limit - this.#length);
    const length = this.#length + kept.length;
    if (length > this.#bytes.length) {
      const larger = Buffer.allocUnsafe(Math.min(this.#limit, Math.max(length, this.#bytes.length * 2)));
      this.#bytes.copy(larger, 0, 0, this.#length);
      this.#bytes = larger;
    }
    kept.copy(this.#bytes, this.#length);
    this.#length = length;
  }

  end(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }
}

const openConnection = async (
  target: ConnectionTarget,
  given: Login,
  dialler: Dialler,
  options: Pop3ConnectionOptions,
): Promise<Pop3Connection> => {
  const connection = await Pop3Connection.open(target, dialler, options);
  try {
    await connection.guard(() => login(connection, given));
  } catch (error) {
    await connection.quit(false);
    throw error;
  }
  connection.phase = 'established';
  options.onStep?.('authenticate');
  return connection;
};

/**
 * Logs in. Whoever opens a session closes it, on every path.
 *
 * @throws TransportError: hostNotAllowed, connectFailed, timedOut, tlsUntrusted, protocolUnsupported,
 * authenticationFailed, accessDenied, connectionLimit, throttled, serverError. No socket is left open then.
 */
export const openPop3Session = (
  target: ConnectionTarget,
  credentials: Credentials,
  dialler: Dialler,
  options: Pop3ConnectionOptions,
): Promise<Pop3Session> =>
  withLogin(credentials, async (given) => new MaildropSession(await openConnection(target, given, dialler, options)));
