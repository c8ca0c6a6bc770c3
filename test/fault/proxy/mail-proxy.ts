import { type AddressInfo, createServer, type Server } from 'node:net';
import { createSecureContext, type SecureContext } from 'node:tls';
import type { FaultKind } from '../plan/fault-kinds.ts';
import type { Step } from '../plan/step.ts';
import type { FunctionProcess } from '../process/function-process.ts';
import { createImapDialogue, type FolderIdentity } from './imap-dialogue.ts';
import { MailConnection } from './mail-connection.ts';
import { createSmtpDialogue } from './smtp-dialogue.ts';

export interface MailProxyOptions {
  readonly certificate: string;
  readonly key: string;
  readonly imapPort: number;
  readonly smtpPort: number;
  readonly find: (address: string | undefined) => FunctionProcess | undefined;
  readonly decide: (step: Step) => FaultKind | undefined;
  readonly onActivity: () => void;
  readonly onAsk: () => () => void;
  readonly onHang: (process: FunctionProcess) => void;
  /** The server is to die and to come back. */
  readonly onServerDeath: () => Promise<void>;
}

/** A connection's end may still be on its way to us when its successor is there, and a busy machine may hold it up. */
const settlingMilliseconds = 10;
const confirmingMilliseconds = 50;

/** Stands between the functions and the mail servers: ends TLS, sees every line, counts connections. */
export class MailProxy {
  readonly identity: FolderIdentity = { shift: 0, forgotten: 0 };
  readonly #options: MailProxyOptions;
  readonly #secureContext: SecureContext;
  readonly #servers: Readonly<Record<'imap' | 'smtp', Server>>;
  readonly #connections = new Set<MailConnection>();
  #highest: readonly string[] = [];
  #restarting: Promise<void> | undefined;

  private constructor(options: MailProxyOptions) {
    this.#options = options;
    this.#secureContext = createSecureContext({ cert: options.certificate, key: options.key });
    this.#servers = { imap: this.#serve('imap', options.imapPort), smtp: this.#serve('smtp', options.smtpPort) };
  }

  static async start(options: MailProxyOptions): Promise<MailProxy> {
    const proxy = new MailProxy(options);
    for (const server of Object.values(proxy.#servers))
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  portOf(protocol: 'imap' | 'smtp'): number {
    return (this.#servers[protocol].address() as AddressInfo).port;
  }

  /** Whose connections were open when most were at once, since the last reset. */
  get highest(): readonly string[] {
    return this.#highest;
  }

  /** The server is down for a moment, however long the machine takes for it. */
  get isRestarting(): boolean {
    return this.#restarting !== undefined;
  }

  reset(): void {
    for (const connection of this.#connections) connection.close();
    Object.assign(this.identity, { shift: 0, forgotten: 0 });
    this.#highest = [];
  }

  tick(): void {
    for (const connection of this.#connections) connection.tick();
  }

  async stop(): Promise<void> {
    for (const connection of this.#connections) connection.close();
    for (const server of Object.values(this.#servers)) await new Promise((resolve) => server.close(resolve));
  }

  /** One restart at a time. */
  async #restart(): Promise<void> {
    this.#restarting ??= this.#options.onServerDeath();
    try {
      await this.#restarting;
    } finally {
      this.#restarting = undefined;
    }
  }

  #openOf(connections: Iterable<MailConnection>): readonly MailConnection[] {
    return [...connections].filter(({ isClosed }) => !isClosed);
  }

  /** Only those count that are still open together a moment later. */
  #count(): void {
    const open = this.#openOf(this.#connections);
    if (open.length <= this.#highest.length) return;
    setTimeout(() => {
      const still = this.#openOf(open);
      if (still.length > this.#highest.length) this.#highest = still.map(({ label }) => label);
    }, confirmingMilliseconds).unref();
  }

  #serve(protocol: 'imap' | 'smtp', upstreamPort: number): Server {
    const { find, decide, onActivity, onAsk, onHang } = this.#options;
    const onServerDeath = (): void => void this.#restart();
    return createServer((socket) => {
      const process = find(socket.remoteAddress);
      if (process === undefined || process.isDead) return void socket.destroy();
      onActivity();
      socket.once('close', () => this.#connections.delete(connection));
      const connection = new MailConnection(socket, {
        protocol,
        process,
        upstreamPort,
        secureContext: this.#secureContext,
        dialogue: protocol === 'imap' ? createImapDialogue(this.identity) : createSmtpDialogue(),
        identity: this.identity,
        decide,
        onActivity,
        onAsk,
        onHang,
        onServerDeath,
      });
      this.#connections.add(connection);
      setTimeout(() => this.#count(), settlingMilliseconds).unref();
    });
  }
}
