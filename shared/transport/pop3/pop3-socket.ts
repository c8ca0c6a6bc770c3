import { connect as connectPlain, isIP, type Socket } from 'node:net';
import { connect as connectTls, type SecureContext } from 'node:tls';
import type { ConnectionTarget } from '../connection.ts';
import { TransportError } from '../transport-error.ts';

/** A connection from which more than this waits to be read is not read on. */
const mostWaitingBytes = 1024 * 1024;

/** How the other side ended the connection. */
export class ConnectionLost extends Error {
  readonly code: string | undefined;

  constructor(error?: Error) {
    super(error?.message ?? 'The server closed the connection', error === undefined ? {} : { cause: error });
    this.name = 'ConnectionLost';
    this.code = error !== undefined && 'code' in error ? String(error.code) : undefined;
  }
}

/** Bytes from and to a server, with limits on how long they may take. */
export class Pop3Socket {
  readonly #target: ConnectionTarget;
  readonly #serverName: string;
  readonly #deadline: number;
  #socket: Socket;
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #lost: ConnectionLost | undefined;
  #wake: (() => void) | undefined;
  #patienceEnds: number;

  private constructor(target: ConnectionTarget, serverName: string, deadline: number, socket: Socket) {
    this.#target = target;
    this.#serverName = serverName;
    this.#deadline = deadline;
    this.#socket = socket;
    this.#patienceEnds = Date.now() + target.timeoutSeconds * 1000;
  }

  /** Connects, without TLS yet. @throws ConnectionLost, TransportError timedOut */
  static async open(
    target: ConnectionTarget,
    resolved: { readonly address: string; readonly serverName: string },
    deadline: number,
  ): Promise<Pop3Socket> {
    const plain = connectPlain({ host: resolved.address, port: target.port });
    plain.setNoDelay(true);
    const socket = new Pop3Socket(target, resolved.serverName, deadline, plain);
    socket.#listen();
    await socket.#until((done) => plain.once('connect', done));
    return socket;
  }

  /**
   * Goes on under TLS.
   *
   * @throws ConnectionLost with the code of the TLS library, TransportError timedOut, protocolUnsupported
   */
  async secure(secureContext: SecureContext | undefined): Promise<void> {
    // What came before the handshake nobody vouches for, and it must not be taken for an answer that comes after it.
    if (this.#waitingBytes > 0)
      throw new TransportError('protocolUnsupported', {
        class: 'permanent',
        level: 'profile',
        detail: 'The server sent more than its answer before the protected connection began',
      });
    const plain = this.#socket;
    for (const event of ['data', 'end', 'close']) plain.removeAllListeners(event);
    const protectedSocket = connectTls({
      socket: plain,
      host: this.#serverName,
      // An address is no server name (RFC 6066 section 3); the certificate is then checked against the address itself.
      ...(isIP(this.#serverName) === 0 ? { servername: this.#serverName } : {}),
      ...(secureContext === undefined ? {} : { secureContext }),
    });
    this.#socket = protectedSocket;
    this.#listen();
    await this.#until((done) => protectedSocket.once('secureConnect', done));
  }

  write(text: string): void {
    if (!this.#socket.destroyed) this.#socket.write(text);
  }

  /** The server has shown that it works: the time-out begins anew. */
  progress(): void {
    this.#patienceEnds = Date.now() + this.#target.timeoutSeconds * 1000;
  }

  /** What came since the last read; waits for it. @throws ConnectionLost, TransportError timedOut */
  async read(): Promise<Buffer> {
    for (;;) {
      const next = this.#waiting.shift();
      if (next !== undefined) {
        this.#waitingBytes -= next.length;
        if (this.#socket.isPaused() && this.#waitingBytes < mostWaitingBytes) this.#socket.resume();
        return next;
      }
      await this.#until((done) => {
        this.#wake = done;
      });
    }
  }

  get isClosed(): boolean {
    return this.#lost !== undefined || this.#socket.destroyed;
  }

  cut(): void {
    this.#socket.destroy();
    this.#lose();
  }

  #listen(): void {
    const socket = this.#socket;
    socket.on('data', (bytes: Buffer) => {
      this.#waiting.push(bytes);
      this.#waitingBytes += bytes.length;
      if (this.#waitingBytes >= mostWaitingBytes) socket.pause();
      this.#wake?.();
    });
    socket.on('error', (error) => this.#lose(error));
    socket.on('close', () => this.#lose());
    socket.on('end', () => this.#lose());
  }

  #lose(error?: Error): void {
    this.#lost ??= new ConnectionLost(error);
    this.#wake?.();
  }

  async #until(begin: (done: () => void) => void): Promise<void> {
    const limit = Math.max(0, Math.min(this.#patienceEnds, this.#deadline) - Date.now());
    let timer: NodeJS.Timeout | undefined;
    try {
      await new Promise<void>((resolve, reject) => {
        timer = setTimeout(() => {
          reject(this.#late());
          this.cut();
        }, limit);
        begin(resolve);
        const wake = this.#wake;
        this.#wake = () => {
          if (this.#lost === undefined) wake?.();
          else reject(this.#lost);
        };
        if (this.#lost !== undefined) reject(this.#lost);
      });
    } finally {
      clearTimeout(timer);
      this.#wake = undefined;
    }
  }

  #late(): TransportError {
    const { host, port, timeoutSeconds } = this.#target;
    return new TransportError('timedOut', {
      class: 'transient',
      level: 'profile',
      detail: `${host}:${port} did not answer within ${timeoutSeconds} s`,
    });
  }
}
