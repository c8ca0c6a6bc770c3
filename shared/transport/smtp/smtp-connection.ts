import { isIP } from 'node:net';
import type { ConnectionStep, ConnectionTarget, Dialler, Login } from '../connection.ts';
import { readTrust } from '../read-trust.ts';
import { TransportError } from '../transport-error.ts';
import { classifySmtpError, type SmtpPhase } from './classify-smtp-error.ts';
import { SubmissionClient } from './submission-client.ts';
import { prepareTokenLogin, readMechanisms } from './token-login.ts';

export interface SmtpConnectionOptions {
  /** Epoch milliseconds at which the session is cut whatever it does. */
  readonly deadline: number;
  /** Told of each step that succeeded. */
  readonly onStep?: (step: ConnectionStep) => void;
}

const goodbyeMilliseconds = 2_000;
// A submission client behind address translation has no name of its own to give (RFC 5321 section 4.1.3).
const clientName = '[127.0.0.1]';

/** The library's client, with a time limit on every step. The library itself only limits how long a socket is silent. */
export class SmtpConnection {
  readonly client: SubmissionClient;
  /** Told of each complete answer of the server. */
  onReply: ((reply: string) => void) | undefined;
  readonly #target: ConnectionTarget;
  readonly #deadline: number;
  #restartLimit: (() => void) | undefined;
  /** What the server answered to the last EHLO. */
  #greeting = '';
  /** By which the server takes logins, as it said last. */
  #mechanisms: ReadonlySet<string> = new Set();
  #closed = false;

  private constructor(
    target: ConnectionTarget,
    deadline: number,
    resolved: { readonly address: string; readonly serverName: string },
  ) {
    this.#target = target;
    this.#deadline = deadline;
    const patience = target.timeoutSeconds * 1000;
    const secureContext = readTrust(target.caCertificates);
    this.client = new SubmissionClient({
      host: resolved.address,
      port: target.port,
      name: clientName,
      secure: target.security === 'tls',
      // Required, never opportunistic: an attacker could take the offer out of the answer to EHLO.
      requireTLS: target.security === 'startTls',
      ignoreTLS: target.security === 'none',
      // An address is no server name (RFC 6066 section 3); the certificate is then checked against the address itself.
      ...(isIP(resolved.serverName) === 0 ? { servername: resolved.serverName } : {}),
      tls: secureContext === undefined ? {} : { secureContext },
      connectionTimeout: patience,
      greetingTimeout: patience,
      socketTimeout: patience,
      socketCloseTimeout: 0,
      // The library tells of complete replies to its log only; nothing of it is written anywhere.
      transactionLog: true,
      logger: replyLogger((reply) => {
        this.#restartLimit?.();
        this.#mechanisms = readMechanisms(reply) ?? this.#mechanisms;
        this.onReply?.(reply);
      }),
    });
    // Failures are reported by the call that meets them; an error event without a listener would end the process.
    this.client.on('error', () => undefined);
  }

  /** @throws TransportError; the socket is closed by then. */
  static async open(
    target: ConnectionTarget,
    login: Login,
    dialler: Dialler,
    options: SmtpConnectionOptions,
  ): Promise<SmtpConnection> {
    const resolved = await dialler.resolve(target.host, target.timeoutSeconds);
    options.onStep?.('resolve');
    let greeted = false;
    const connection = new SmtpConnection(target, options.deadline, resolved);
    connection.onReply = (reply) => {
      if (/^250[ -]/.test(reply)) connection.#greeting = reply;
      if (!greeted) options.onStep?.('connect');
      greeted = true;
    };
    try {
      await connection.#connect();
      if (target.security !== 'none') options.onStep?.('tls');
      await connection.#login(login);
      options.onStep?.('authenticate');
    } catch (error) {
      connection.cut();
      // With TLS from the start the certificate is refused before any greeting, yet the connection stood.
      if (!greeted && error instanceof TransportError && error.fault.code === 'tlsUntrusted')
        options.onStep?.('connect');
      throw error;
    }
    connection.onReply = undefined;
    return connection;
  }

  /**
   * Waits for a step of the session. The limit starts anew with each complete answer of the server (bytes alone do not
   * count, so a server that sends one now and then cannot hold a run) and with each call of `progress` from outside.
   *
   * @throws TransportError timedOut; the connection is cut then
   */
  async within<Answer>(
    phase: SmtpPhase,
    work: (settle: (error: unknown, answer?: Answer) => void) => void,
  ): Promise<Answer> {
    let timer: NodeJS.Timeout | undefined;
    let fail = (_error: unknown): void => undefined;
    // The library ends the connection before it hands over the reply 421 that was the reason.
    const end = (): unknown => setImmediate(() => fail(new Error('The connection was closed')));
    const forward = (error: unknown): void => fail(error);
    try {
      return await new Promise<Answer>((resolve, reject) => {
        fail = (error) => reject(classifySmtpError(error, phase));
        const restart = (): void => {
          clearTimeout(timer);
          timer = setTimeout(() => {
            fail(this.#late(phase));
            this.cut();
          }, this.#limit());
        };
        restart();
        // A server that answers bit by bit must not make the session's beginning longer than one time-out.
        this.#restartLimit = phase === 'connecting' ? undefined : restart;
        this.client.once('error', forward);
        this.client.once('end', end);
        work((error, answer) => (error == null ? resolve(answer as Answer) : fail(error)));
      });
    } finally {
      clearTimeout(timer);
      this.#restartLimit = undefined;
      this.client.removeListener('error', forward);
      this.client.removeListener('end', end);
    }
  }

  /** The server took a piece of the message. */
  progress(): void {
    this.#restartLimit?.();
  }

  /** Whether the server offers an extension, as it said after the last EHLO. */
  offers(extension: string): boolean {
    return new RegExp(`^250[ -]${extension}\\b`, 'im').test(this.#greeting);
  }

  get isClosed(): boolean {
    return this.#closed || this.client.destroyed;
  }

  /** Says goodbye, so that the server frees its place at once, and cuts the connection if that takes long. */
  async close(): Promise<void> {
    if (this.isClosed) return;
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      timer = setTimeout(resolve, Math.min(goodbyeMilliseconds, this.#target.timeoutSeconds * 1000));
      this.client.once('end', () => resolve());
      this.client.quit();
    });
    clearTimeout(timer);
    this.cut();
  }

  cut(): void {
    this.#closed = true;
    this.client.close();
  }

  #limit(): number {
    return Math.max(0, Math.min(this.#target.timeoutSeconds * 1000, this.#deadline - Date.now()));
  }

  #late(phase: SmtpPhase): TransportError {
    const { host, port, timeoutSeconds } = this.#target;
    return new TransportError('timedOut', {
      class: 'transient',
      level: phase === 'sending' ? 'mailbox' : 'profile',
      detail: `${host}:${port} did not answer within ${timeoutSeconds} s`,
    });
  }

  #connect(): Promise<void> {
    return this.within('connecting', (settle) => this.client.connect((error) => settle(error)));
  }

  async #login(login: Login): Promise<void> {
    if (login.authentication === 'none') return;
    if (!this.client.allowsAuth)
      throw new TransportError('protocolUnsupported', {
        class: 'permanent',
        level: 'profile',
        detail: 'The server does not offer a login',
        fix: 'Use the submission port of the server, or set authentication to none',
      });
    const how =
      login.authentication === 'password'
        ? { user: login.username, pass: login.password }
        : prepareTokenLogin(this.client, this.#mechanisms, login);
    await this.within('authenticating', (settle) => this.client.login(how, (error) => settle(error)));
  }
}

const replyLogger = (onReply: (reply: string) => void) => {
  const ignore = (): void => undefined;
  return {
    level: ignore,
    trace: ignore,
    info: ignore,
    warn: ignore,
    error: ignore,
    fatal: ignore,
    debug: (entry: { readonly tnx?: string }, reply: string): void => {
      if (entry.tnx === 'server') onReply(reply);
    },
  };
};
