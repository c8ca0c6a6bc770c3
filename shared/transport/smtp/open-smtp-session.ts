import { Readable } from 'node:stream';
import { createFault } from '../../platform/fault.ts';
import type { ConnectionTarget, Credentials, Dialler } from '../connection.ts';
import type { TransportError } from '../transport-error.ts';
import { withLogin } from '../with-login.ts';
import { answerOf, classifySmtpError, readFailure } from './classify-smtp-error.ts';
import { judgeReplies } from './judge-replies.ts';
import { SmtpConnection, type SmtpConnectionOptions } from './smtp-connection.ts';
import type { SendReport, SmtpEnvelope, SmtpMessage, SmtpSession } from './smtp-session.ts';

class SubmissionSession implements SmtpSession {
  readonly #connection: SmtpConnection;
  #used = false;

  constructor(connection: SmtpConnection) {
    this.#connection = connection;
  }

  async send(envelope: SmtpEnvelope, message: SmtpMessage): Promise<SendReport> {
    const impossible = new Map(
      envelope.recipients.flatMap((address) => {
        const refusal =
          this.#refuse(envelope.from, 'senderRejected') ??
          this.#refuse(address, 'recipientRejected') ??
          this.#refuseHeader(envelope);
        return refusal === undefined ? [] : [[address, { address, ...refusal }] as const];
      }),
    );
    if (impossible.size === 0) return this.#sendTo(envelope, message);
    const possible = envelope.recipients.filter((address) => !impossible.has(address));
    const report =
      possible.length === 0
        ? { recipients: [], trouble: undefined, begun: true }
        : await this.#sendTo({ ...envelope, recipients: possible }, message);
    const judged = new Map([
      ...impossible,
      ...report.recipients.map((recipient) => [recipient.address, recipient] as const),
    ]);
    return { ...report, recipients: envelope.recipients.flatMap((address) => judged.get(address) ?? []) };
  }

  /** Why an address cannot be told to this server: for itself alone, as the library would refuse all the others with it. */
  #refuse(address: string, code: 'senderRejected' | 'recipientRejected') {
    if (/[<>\r\n]/.test(address))
      return refused(
        code,
        'The address holds a character that cannot stand in a command of SMTP',
        'Use another address',
      );
    // RFC 6531 section 3.2: such an address may go to no server that does not offer it.
    if (!isInternational(address) || this.#connection.offers('SMTPUTF8')) return undefined;
    return refused(
      code,
      'The server does not take addresses with letters beyond ASCII (it does not offer SMTPUTF8)',
      'Use another address, or a server that takes such addresses',
    );
  }

  /** The message itself may not go to such a server either, whoever it is for (RFC 6531 section 3.2). */
  #refuseHeader({ internationalHeader }: SmtpEnvelope) {
    if (!internationalHeader || this.#connection.offers('SMTPUTF8')) return undefined;
    return refused(
      'messageRejected',
      'It names an address with letters beyond ASCII, and the server takes no such messages (it does not offer SMTPUTF8)',
      'Leave that address out or put it into bcc, or use a server that takes such messages',
    );
  }

  async #sendTo(envelope: SmtpEnvelope, message: SmtpMessage): Promise<SendReport> {
    try {
      if (this.#used) await this.#reset();
    } catch (error) {
      this.#connection.cut();
      return reportUntried(envelope, classifySmtpError(error, 'sending'));
    }
    this.#used = true;
    return this.#transact(envelope, message);
  }

  close(): Promise<void> {
    return this.#connection.close();
  }

  async #transact(envelope: SmtpEnvelope, message: SmtpMessage): Promise<SendReport> {
    const source = new MessageSource(message, () => this.#connection.progress());
    const replies: string[] = [];
    this.#connection.onReply = (reply) => replies.push(reply);
    let trouble: TransportError | undefined;
    try {
      this.#connection.client.internationalHeader = envelope.internationalHeader;
      await this.#connection.within('sending', (settle) =>
        this.#connection.client.send(toLibraryEnvelope(envelope), source.stream, settle),
      );
    } catch (error) {
      trouble = classifySmtpError(error, 'sending');
      const failure = readFailure(trouble.cause);
      // What the library refuses by itself never went out: the size that the server announced (RFC 1870), an address
      // that cannot stand in a command.
      if (replies.length === 0 && (failure.code === 'EMESSAGE' || failure.code === 'EENVELOPE')) {
        const code = failure.code === 'EMESSAGE' ? 'messageRejected' : 'recipientRejected';
        const fault = createFault(code, { detail: answerOf(failure) });
        const refused = { result: 'rejected', fault, answer: undefined } as const;
        return {
          recipients: envelope.recipients.map((address) => ({ address, ...refused })),
          trouble: undefined,
          begun: true,
        };
      }
      // An answered command leaves the session usable, except for 421 and for answers in the middle of the message.
      const usable = failure.responseCode !== undefined && failure.responseCode !== 421;
      if (usable && (!source.started || source.completed)) trouble = undefined;
    } finally {
      this.#connection.onReply = undefined;
    }
    if (source.failure !== undefined || trouble !== undefined) this.#connection.cut();
    if (source.failure !== undefined) throw source.failure.error;
    return {
      recipients: judgeReplies({ recipients: envelope.recipients, replies, completed: source.completed }),
      trouble,
      begun: true,
    };
  }

  #reset(): Promise<void> {
    if (this.#connection.isClosed) throw new Error('The server closed the connection');
    return this.#connection.within('sending', (settle) => this.#connection.client.reset((error) => settle(error)));
  }
}

/** The message as a stream that asks for its bytes only when it is read, and remembers how far that came. */
class MessageSource {
  readonly stream: Readable;
  /** The message was read from: the server had asked for it. */
  started = false;
  /** All of it was read. */
  completed = false;
  failure: { readonly error: unknown } | undefined;

  constructor(message: SmtpMessage, onProgress: () => void) {
    this.stream = Readable.from(this.#pieces(message, onProgress), { objectMode: false });
  }

  async *#pieces(message: SmtpMessage, onProgress: () => void): AsyncGenerator<Buffer> {
    this.started = true;
    try {
      await message.onHanding();
      for await (const piece of await message.open()) {
        onProgress();
        yield piece;
      }
      this.completed = true;
    } catch (error) {
      this.failure = { error };
      throw error;
    }
  }
}

/** The local part has letters beyond ASCII; domains are punycode here. */
const isInternational = (address: string): boolean => /[^\x20-\x7e]/.test(address);

const refused = (code: 'senderRejected' | 'recipientRejected' | 'messageRejected', detail: string, fix: string) => ({
  result: 'rejected' as const,
  fault: createFault(code, { detail, fix }),
  answer: undefined,
});

const reportUntried = (envelope: SmtpEnvelope, trouble: TransportError): SendReport => ({
  recipients: envelope.recipients.map((address) => ({
    address,
    result: 'untried',
    fault: undefined,
    answer: undefined,
  })),
  trouble,
  begun: false,
});

const toLibraryEnvelope = (envelope: SmtpEnvelope) => ({
  from: envelope.from,
  to: [...envelope.recipients],
  size: envelope.sizeBytes,
  use8BitMime: envelope.eightBit,
  dsn: {
    ...(envelope.envelopeId === undefined ? {} : { id: envelope.envelopeId }),
    ret: 'HDRS',
    ...(envelope.deliveryReceipt ? { notify: ['SUCCESS', 'FAILURE', 'DELAY'] } : {}),
  },
});

/**
 * Connects and logs in. Whoever opens a session closes it, on every path.
 *
 * @throws TransportError: hostNotAllowed, connectFailed, timedOut, tlsUntrusted, protocolUnsupported,
 * authenticationFailed, accessDenied, connectionLimit, throttled, serverError. No socket is left open then.
 */
export const openSmtpSession = async (
  target: ConnectionTarget,
  credentials: Credentials,
  dialler: Dialler,
  options: SmtpConnectionOptions,
): Promise<SmtpSession> =>
  withLogin(
    credentials,
    async (login) => new SubmissionSession(await SmtpConnection.open(target, login, dialler, options)),
  );
