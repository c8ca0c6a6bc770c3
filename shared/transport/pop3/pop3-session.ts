/** One message as a server lists it in this session. */
export interface Pop3Listing {
  /** Names the message within this session only. */
  readonly number: number;
  /** As the server says; some count line ends as one byte. */
  readonly sizeBytes: number;
  /** The server's lasting name for it; undefined where the server has none. */
  readonly uidl: string | undefined;
}

/**
 * One login on a POP3 server, which has the maildrop to itself (RFC 1939 section 4) and does not see what arrives
 * meanwhile. Calls wait for each other's end, in the order in which they were made. Each answer must come within the
 * target's time-out and before the session's deadline, a long one within it for each megabyte; else TransportError.
 */
export interface Pop3Session {
  /** What stands in the maildrop, in the server's order. */
  list(): Promise<readonly Pop3Listing[]>;
  /**
   * Reads the headers of messages, with the empty line behind them; of very long ones the beginning. `take` is called once
   * for each message that the server sends, in order.
   */
  readHeaders(numbers: readonly number[], take: (number: number, header: Buffer) => void): Promise<void>;
  /** Reads whole messages, byte by byte as they are: for small ones, since `take` gets each in one piece. */
  readMessages(numbers: readonly number[], take: (number: number, content: Buffer) => void): Promise<void>;
  /**
   * Reads one message into one buffer, so that a large one is never held twice. `sizeBytes`: what the list said.
   * Undefined when the server does not send it. What is beyond `limitBytes` is left out.
   */
  readMessage(number: number, sizeBytes: number, limitBytes: number): Promise<Buffer | undefined>;
  /** Passes one message on piece by piece, as far as the server sends it. */
  streamMessage(number: number): AsyncIterable<Buffer>;
  /** Marks messages as deleted. They are removed when the session is closed, and stay if it breaks off before. */
  markDeleted(numbers: readonly number[]): Promise<void>;
  /**
   * Says goodbye, which carries out the deletions, or cuts the connection when that takes long. May be called more than
   * once; never throws.
   */
  close(): Promise<void>;
}
