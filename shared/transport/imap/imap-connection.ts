import { isIP } from 'node:net';
import type { ImapFlowOptions } from 'imapflow';
import type { ConnectionStep, ConnectionTarget, Dialler, Login } from '../connection.ts';
import { readTrust } from '../read-trust.ts';
import { TransportError } from '../transport-error.ts';
import { BulkFetchClient } from './bulk-fetch-client.ts';
import { classifyImapError, type SessionPhase } from './classify-imap-error.ts';

export interface ConnectionOptions {
  /** Epoch milliseconds at which the session is cut whatever it does. */
  readonly deadline: number;
  /** Told of each step that succeeded. */
  readonly onStep?: (step: ConnectionStep) => void;
}

const logoutMilliseconds = 2_000;
// Larger answers than any message that may be tracked are an attack or a defect: the connection ends.
const largestLiteral = 192 * 1024 * 1024;
const longestLine = 64 * 1024 * 1024;

/** A logged-in connection whose every step has a time limit. */
export class ImapConnection {
  readonly client: BulkFetchClient;
  readonly #target: ConnectionTarget;
  readonly #deadline: number;
  readonly #progress: LibraryProgress;

  private constructor(
    client: BulkFetchClient,
    target: ConnectionTarget,
    { deadline, progress }: { readonly deadline: number; readonly progress: LibraryProgress },
  ) {
    this.client = client;
    this.#target = target;
    this.#deadline = deadline;
    this.#progress = progress;
  }

  /** @throws TransportError; the socket is closed by then. */
  static async open(
    target: ConnectionTarget,
    login: Login,
    dialler: Dialler,
    options: ConnectionOptions,
  ): Promise<ImapConnection> {
    const { address, serverName } = await dialler.resolve(target.host, target.timeoutSeconds);
    options.onStep?.('resolve');
    const steps = new Set<ConnectionStep>();
    const succeed = (step: ConnectionStep): void => {
      if (steps.has(step)) return;
      steps.add(step);
      options.onStep?.(step);
    };
    const progress: LibraryProgress = { succeed, throttled: undefined };
    const client = new BulkFetchClient(clientOptions(target, login, { address, serverName }, progress));
    const connection = new ImapConnection(client, target, { deadline: options.deadline, progress });
    // Failures are reported by the call that meets them; an error event without a listener would end the process.
    client.on('error', () => undefined);
    try {
      await connection.within('connecting', client.connect());
    } catch (error) {
      // A failed connect leaves its socket open.
      client.close();
      const failure = classifyImapError(error, steps.has('connect') ? 'authenticating' : 'connecting');
      if (failure.fault.code === 'tlsUntrusted') succeed('connect');
      throw failure;
    }
    succeed('authenticate');
    return connection;
  }

  /**
   * Waits for one answer, at most the target's time-out and never past the deadline; then the connection is cut, so
   * that a server which sends a byte now and then cannot hold a run.
   *
   * @throws TransportError
   */
  within<Answer>(phase: SessionPhase, answer: Promise<Answer>): Promise<Answer> {
    return this.#patiently(phase, () => answer);
  }

  /**
   * Waits for an answer of many parts, at most the target's time-out for each and never past the deadline.
   *
   * @param ask calls `heard` for each part
   * @throws TransportError
   */
  withinEach<Answer>(phase: SessionPhase, ask: (heard: () => void) => Promise<Answer>): Promise<Answer> {
    return this.#patiently(phase, ask);
  }

  async #patiently<Answer>(phase: SessionPhase, ask: (heard: () => void) => Promise<Answer>): Promise<Answer> {
    const patience = this.#target.timeoutSeconds * 1000;
    const rest = Math.max(0, this.#deadline - Date.now());
    const early = phase === 'connecting' || phase === 'authenticating';
    let silence: NodeJS.Timeout | undefined;
    let end: NodeJS.Timeout | undefined;
    const expiry = new Promise<never>((_, reject) => {
      const expire = (limit: number): void => {
        // A server may have said goodbye and kept the socket: its words tell more than the silence.
        const { byeReason } = this.client;
        reject(byeReason === undefined ? this.#expired(limit, early) : { code: 'NoConnection', reason: byeReason });
        this.client.close();
      };
      if (patience < rest) silence = setTimeout(expire, patience, patience);
      end = setTimeout(expire, rest, rest);
      // The library would wait by itself, for minutes, and then ask again or answer with nothing.
      this.#progress.throttled = (hint) => {
        reject(hint);
        this.client.close();
      };
    });
    try {
      return await Promise.race([ask(() => silence?.refresh()), expiry]);
    } catch (error) {
      if (phase === 'connecting') throw error;
      throw classifyImapError(error, phase);
    } finally {
      clearTimeout(silence);
      clearTimeout(end);
      this.#progress.throttled = undefined;
    }
  }

  #expired(limit: number, early: boolean): TransportError {
    return new TransportError('timedOut', {
      class: 'transient',
      level: early ? 'profile' : 'mailbox',
      detail: `${this.#target.host}:${this.#target.port} did not answer within ${Math.round(limit / 100) / 10} s`,
    });
  }

  /** Says goodbye, so that the server frees its place at once, and cuts the connection if that takes long. */
  async close(): Promise<void> {
    if (this.client.isClosed) return;
    let timer: NodeJS.Timeout | undefined;
    const patience = Math.max(0, Math.min(logoutMilliseconds, this.#target.timeoutSeconds * 1000));
    const expiry = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, patience);
    });
    await Promise.race([this.client.logout().catch(() => false), expiry]);
    clearTimeout(timer);
    this.client.close();
  }
}

const clientOptions = (
  target: ConnectionTarget,
  login: Login,
  { address, serverName }: { readonly address: string; readonly serverName: string },
  progress: LibraryProgress,
): ImapFlowOptions => {
  const patience = target.timeoutSeconds * 1000;
  const secureContext = readTrust(target.caCertificates);
  return {
    host: address,
    port: target.port,
    secure: target.security === 'tls',
    // Required, never opportunistic: an attacker could take the offer out of the greeting.
    ...(target.security === 'tls' ? {} : { doSTARTTLS: target.security === 'startTls' }),
    // An address is no server name (RFC 6066 section 3); the certificate is then checked against the address itself.
    ...(isIP(serverName) === 0 ? { servername: serverName } : {}),
    tls: { ...(secureContext === undefined ? {} : { secureContext }) },
    ...authOf(login),
    clientInfo: { name: 'Mailbox Sync', vendor: false, 'support-url': false },
    disableAutoIdle: true,
    disableCompression: true,
    connectionTimeout: patience,
    greetingTimeout: patience,
    socketTimeout: patience,
    maxLiteralSize: largestLiteral,
    maxLineLength: longestLine,
    maxResponseSize: largestLiteral + longestLine,
    maxLockHoldTime: false,
    logger: progressLogger(target, progress),
  };
};

const authOf = (login: Login): Pick<ImapFlowOptions, 'auth'> => {
  switch (login.authentication) {
    case 'password':
      return { auth: { user: login.username, pass: login.password } };
    case 'oauth2':
      return { auth: { user: login.username, accessToken: login.accessToken } };
    case 'none':
      return {};
  }
};

/** What the library tells in its log only. */
interface LibraryProgress {
  readonly succeed: (step: ConnectionStep) => void;
  /** Told how many milliseconds a server that finds itself asked too often wants to be left alone (Exchange). */
  throttled: ((hint: { readonly throttleReset: number; readonly message: string }) => void) | undefined;
}

/** Nothing of what the library logs is written anywhere. */
const progressLogger = (target: ConnectionTarget, progress: LibraryProgress) => {
  const ignore = (): undefined => undefined;
  const { succeed } = progress;
  return {
    debug: ignore,
    warn: ({
      throttleDelay,
      err,
    }: {
      readonly throttleDelay?: unknown;
      readonly err?: { responseText?: unknown };
    }): void => {
      if (typeof throttleDelay !== 'number') return;
      progress.throttled?.({ throttleReset: throttleDelay, message: `The server answered: ${err?.responseText}` });
    },
    error: ignore,
    info: (entry: { readonly src?: string }): void => {
      if (entry.src === 'connection') {
        succeed('connect');
        if (target.security === 'tls') succeed('tls');
      }
      if (entry.src === 'tls') succeed('tls');
      if (entry.src === 'auth') succeed('authenticate');
    },
  };
};
