import type { Readable } from 'node:stream';
import type { Fault } from '../../platform/fault.ts';
import type { TransportError } from '../transport-error.ts';

export interface SmtpEnvelope {
  readonly from: string;
  /** 1 or more, without duplicates. */
  readonly recipients: readonly string[];
  readonly sizeBytes: number;
  /** The message holds bytes above 127. */
  readonly eightBit: boolean;
  /** So does its header, in addresses (RFC 6532): it may go to no server that does not offer SMTPUTF8. */
  readonly internationalHeader: boolean;
  /** Comes back in reports on the delivery, where the server offers them (RFC 3461). */
  readonly envelopeId: string | undefined;
  /** Asks for a report on success and delay, too, where the server offers them. */
  readonly deliveryReceipt: boolean;
}

/**
 * accepted: the server took the message for this recipient · rejected: it never will · deferred: it asked to come back
 * · unconfirmed: it has the message, and its answer was lost · untried: nothing was decided, the message was not handed
 * over.
 */
export type RecipientResult = 'accepted' | 'rejected' | 'deferred' | 'unconfirmed' | 'untried';

export interface RecipientReport {
  readonly address: string;
  readonly result: RecipientResult;
  /** Why it is not accepted. */
  readonly fault: Fault | undefined;
  /** The server's own words. */
  readonly answer: string | undefined;
}

export interface SendReport {
  /** One per recipient, in the order of the envelope. */
  readonly recipients: readonly RecipientReport[];
  /** Set when the connection ended or cannot be used for another message; the session is closed then. */
  readonly trouble: TransportError | undefined;
  /** False when the connection had ended before anything of this message was said: it is not to blame. */
  readonly begun: boolean;
}

/** A message whose bytes are asked for only once the server has said that it waits for them. */
export interface SmtpMessage {
  /**
   * Called after the server's 354, before the first byte goes out: from here on it may have the message. What it
   * throws ends the session, and nothing was handed over.
   */
  readonly onHanding: () => Promise<void>;
  readonly open: () => Promise<Readable>;
}

/**
 * One connection to a submission server, logged in, for one message after the other. Each answer of the server, and
 * each piece of the message that it takes, has the target's time-out; nothing goes on beyond the deadline.
 */
export interface SmtpSession {
  /**
   * Never throws for what the server does or fails to do. Throws what `onHanding`, `open` or the message stream throw:
   * the message was not delivered then, as its end never reached the server.
   */
  send(envelope: SmtpEnvelope, message: SmtpMessage): Promise<SendReport>;
  /** Says goodbye, or cuts the connection when that takes long. May be called more than once; never throws. */
  close(): Promise<void>;
}
