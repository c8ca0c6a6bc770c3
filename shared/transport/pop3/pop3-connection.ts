import type { ConnectionStep, ConnectionTarget, Dialler } from '../connection.ts';
import { readTrust } from '../read-trust.ts';
import { showWords } from '../server-words.ts';
import { TransportError } from '../transport-error.ts';
import { classifyPop3Error, type Pop3Phase } from './classify-pop3-error.ts';
import { MultiLineDecoder } from './multi-line-decoder.ts';
import { type Pop3Capabilities, parseCapabilities, unknownCapabilities } from './pop3-capabilities.ts';
import { Pop3Refusal } from './pop3-refusal.ts';
import { Pop3Socket } from './pop3-socket.ts';

export interface Pop3ConnectionOptions {
  /** Epoch milliseconds at which the session is cut whatever it does. */
  readonly deadline: number;
  /** Told of each step that succeeded. */
  readonly onStep?: (step: ConnectionStep) => void;
}

/** RFC 2449 section 4 allows 512 bytes; a line without an end is an attack or a defect. */
const longestLine = 8 * 1024;
const longestListing = 64 * 1024 * 1024;
const progressBytes = 1024 * 1024;
const goodbyeMilliseconds = 2_000;
/** How many commands are on their way at a time where the server takes them so (RFC 2449 section 6.6). */
const commandsAhead = 200;

/** A connection that speaks POP3: commands and their answers, in order. */
export class Pop3Connection {
  capabilities: Pop3Capabilities = unknownCapabilities;
  phase: Pop3Phase = 'connecting';
  readonly #socket: Pop3Socket;
  readonly #target: ConnectionTarget;
  /** What was read and not yet taken. */
  #bytes: Buffer = Buffer.alloc(0);
  #at = 0;

  private constructor(socket: Pop3Socket, target: ConnectionTarget) {
    this.#socket = socket;
    this.#target = target;
  }

  /** Connects and protects the connection, up to the login. @throws TransportError; the socket is closed by then. */
  static async open(
    target: ConnectionTarget,
    dialler: Dialler,
    { deadline, onStep }: Pop3ConnectionOptions,
  ): Promise<Pop3Connection> {
    const resolved = await dialler.resolve(target.host, target.timeoutSeconds);
    onStep?.('resolve');
    const secureContext = readTrust(target.caCertificates);
    let socket: Pop3Socket | undefined;
    try {
      socket = await Pop3Socket.open(target, resolved, deadline);
      const connection = new Pop3Connection(socket, target);
      if (target.security === 'tls') {
        onStep?.('connect');
        await socket.secure(secureContext);
        onStep?.('tls');
      }
      await connection.#greet();
      if (target.security !== 'tls') onStep?.('connect');
      await connection.#readCapabilities();
      if (target.security === 'startTls') {
        await connection.#startTls();
        await socket.secure(secureContext);
        onStep?.('tls');
        // What was offered before the handshake nobody vouches for.
        await connection.#readCapabilities();
      }
      connection.phase = 'authenticating';
      return connection;
    } catch (error) {
      socket?.cut();
      throw classifyPop3Error(error, 'connecting');
    }
  }

  get isClosed(): boolean {
    return this.#socket.isClosed;
  }

  /** One command with an answer of one line; returns the text behind +OK. @throws TransportError */
  ask(command: string): Promise<string> {
    return this.guard(() => {
      this.send(command);
      return this.readOk();
    });
  }

  /** One command whose answer is a list. @throws TransportError */
  askLines(command: string): Promise<readonly string[]> {
    return this.guard(async () => {
      this.send(command);
      await this.readOk();
      return this.readLines();
    });
  }

  /**
   * Sends commands and takes their answers in order, ahead of them where the server allows that.
   *
   * @param take is called for each in turn and must read the answer to its end, whatever it makes of it
   * @throws TransportError
   */
  exchange(commands: readonly string[], take: (index: number) => Promise<void>): Promise<void> {
    const ahead = this.capabilities.pipelining ? commandsAhead : 1;
    return this.guard(async () => {
      let sent = 0;
      for (let index = 0; index < commands.length; index += 1) {
        // Half of what may be on its way is sent together, so that neither side waits for the other.
        if (sent - index <= ahead / 2 && sent < commands.length) {
          const next = commands.slice(sent, index + ahead);
          this.#socket.write(next.map((command) => `${command}\r\n`).join(''));
          sent += next.length;
        }
        await take(index);
      }
    });
  }

  /** Lets errors of the session out as faults; a session that broke off is cut. @throws TransportError */
  async guard<Answer>(work: () => Promise<Answer>): Promise<Answer> {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof Pop3Refusal)) this.cut();
      throw classifyPop3Error(error, this.phase, this.capabilities.loginDelaySeconds);
    }
  }

  send(line: string): void {
    this.#socket.progress();
    this.#socket.write(`${line}\r\n`);
  }

  /** The text behind +OK. @throws Pop3Refusal, ConnectionLost, TransportError */
  async readOk(): Promise<string> {
    const line = await this.readLine();
    const ok = /^\+OK\b ?(.*)$/is.exec(line);
    if (ok !== null) return ok[1] ?? '';
    const refused = /^-ERR\b ?(.*)$/is.exec(line);
    if (refused !== null) throw new Pop3Refusal(refused[1] ?? '');
    throw this.#broken(`The server said something that is no answer in POP3: ${showWords(line)}`);
  }

  /** As readOk, for callers to whom a refusal is an answer. */
  async readStatusOrRefusal(): Promise<Pop3Refusal | undefined> {
    try {
      await this.readOk();
      return undefined;
    } catch (error) {
      if (error instanceof Pop3Refusal) return error;
      throw error;
    }
  }

  /** A line without its end. @throws ConnectionLost, TransportError */
  async readLine(): Promise<string> {
    for (;;) {
      const end = this.#bytes.indexOf('\n', this.#at);
      if ((end === -1 ? this.#bytes.length : end) - this.#at > longestLine)
        throw this.#broken(`The server sent a line of more than ${longestLine} bytes`);
      if (end !== -1) {
        const line = this.#bytes.toString('utf8', this.#at, end);
        this.#at = end + 1;
        this.#socket.progress();
        return line.endsWith('\r') ? line.slice(0, -1) : line;
      }
      const more = await this.#socket.read();
      this.#bytes = this.#at < this.#bytes.length ? Buffer.concat([this.#bytes.subarray(this.#at), more]) : more;
      this.#at = 0;
    }
  }

  /**
   * The lines of an answer up to its end, with dots as they were before the transport. Returns how many bytes came.
   *
   * @param take gets parts of a larger buffer: what is to be kept must be copied
   * @throws TransportError when more than `limitBytes` come: an answer without an end must not hold a run
   */
  async readPieces(limitBytes: number, take: (piece: Buffer) => void): Promise<number> {
    let length = 0;
    for await (const pieces of this.streamPieces(limitBytes)) {
      for (const piece of pieces) {
        length += piece.length;
        take(piece);
      }
    }
    return length;
  }

  /** As readPieces; what one read of the connection gave at a time. */
  async *streamPieces(limitBytes: number): AsyncGenerator<readonly Buffer[]> {
    const decoder = new MultiLineDecoder();
    let length = 0;
    let unnoted = 0;
    for (;;) {
      if (this.#at === this.#bytes.length) {
        this.#bytes = await this.#socket.read();
        this.#at = 0;
      }
      const pieces: Buffer[] = [];
      const from = this.#at;
      const end = decoder.decode(this.#bytes, from, (piece) => pieces.push(piece));
      this.#at = end ?? this.#bytes.length;
      length += this.#at - from;
      unnoted += this.#at - from;
      if (length > limitBytes) throw this.#broken(`The server sent more than ${limitBytes} bytes in one answer`);
      if (end !== undefined || unnoted >= progressBytes) {
        // A trickle of bytes is no progress.
        this.#socket.progress();
        unnoted = 0;
      }
      yield pieces;
      if (end !== undefined) return;
    }
  }

  /** The lines of a list. @throws ConnectionLost, TransportError */
  async readLines(): Promise<readonly string[]> {
    const pieces: Buffer[] = [];
    await this.readPieces(longestListing, (piece) => pieces.push(piece));
    const text = Buffer.concat(pieces).toString('latin1');
    return text === '' ? [] : text.replace(/\r\n$/, '').split('\r\n');
  }

  async #greet(): Promise<void> {
    const line = await this.readLine();
    if (/^\+OK\b/i.test(line)) return;
    const refused = /^-ERR\b ?(.*)$/is.exec(line);
    if (refused !== null) throw new Pop3Refusal(refused[1] ?? '');
    throw new TransportError('protocolUnsupported', {
      class: 'permanent',
      level: 'profile',
      detail: `No POP3 server answers there: ${showWords(line)}`,
      fix: 'Correct host and port of the profile',
    });
  }

  async #readCapabilities(): Promise<void> {
    this.send('CAPA');
    const refusal = await this.readStatusOrRefusal();
    this.capabilities = refusal === undefined ? parseCapabilities(await this.readLines()) : unknownCapabilities;
  }

  async #startTls(): Promise<void> {
    const unsupported = (error?: unknown) =>
      new TransportError('protocolUnsupported', {
        class: 'permanent',
        level: 'profile',
        detail: 'The server does not offer STLS',
        error,
      });
    // Required, never opportunistic: an attacker could take the offer out of the answer.
    if (!this.capabilities.stls) throw unsupported();
    this.send('STLS');
    const refusal = await this.readStatusOrRefusal();
    if (refusal?.responseCode !== undefined) throw refusal;
    if (refusal !== undefined) throw unsupported(refusal);
    if (this.#at < this.#bytes.length)
      throw this.#broken('The server sent more than its answer before the protected connection began');
  }

  #broken(detail: string): TransportError {
    return new TransportError('serverError', {
      class: 'transient',
      level: this.phase === 'established' ? 'mailbox' : 'profile',
      detail,
    });
  }

  /**
   * Says goodbye, so that the server frees its place at once, and cuts the connection if that takes long.
   *
   * @param patient waits the whole time-out: only now a server removes what was marked as deleted (RFC 1939 section 6)
   * @returns whether the server has confirmed it
   */
  async quit(patient: boolean): Promise<boolean> {
    if (this.isClosed) return false;
    let timer: NodeJS.Timeout | undefined;
    const limit = this.#target.timeoutSeconds * 1000;
    const patience = patient ? limit : Math.min(goodbyeMilliseconds, limit);
    const late = new Promise<false>((resolve) => {
      timer = setTimeout(resolve, patience, false);
    });
    this.send('QUIT');
    const answered = this.readStatusOrRefusal().then(
      (refusal) => refusal === undefined,
      () => false,
    );
    const confirmed = await Promise.race([answered, late]);
    clearTimeout(timer);
    this.cut();
    return confirmed;
  }

  cut(): void {
    this.#socket.cut();
  }
}
