import type { Socket } from 'node:net';
import { connect, type SecureContext, TLSSocket } from 'node:tls';
import type { FaultKind } from '../plan/fault-kinds.ts';
import type { Moment, Step } from '../plan/step.ts';
import type { FunctionProcess } from '../process/function-process.ts';
import type { Dialogue, Unit } from './dialogue.ts';
import type { FolderIdentity } from './imap-dialogue.ts';

export interface MailConnectionOptions {
  readonly protocol: 'imap' | 'smtp';
  readonly process: FunctionProcess;
  readonly upstreamPort: number;
  readonly secureContext: SecureContext;
  readonly dialogue: Dialogue;
  readonly identity: FolderIdentity;
  readonly decide: (step: Step) => FaultKind | undefined;
  readonly onActivity: () => void;
  /** The server works on an answer until what is returned is called. */
  readonly onAsk: () => () => void;
  readonly onHang: (process: FunctionProcess) => void;
  readonly onServerDeath: () => void;
}

const longestLine = 68 * 1024 * 1024;
const piece = Buffer.alloc(256 * 1024, 'x');

/** One connection of a function to a mail server, with the proxy in the middle. */
export class MailConnection {
  readonly #options: MailConnectionOptions;
  readonly #raw: Socket;
  #client: TLSSocket | undefined;
  #server: TLSSocket | undefined;
  #hung = false;
  #closed = false;
  /** What is left to be fed byte by byte. */
  #drip: Buffer = Buffer.alloc(0);
  #dropped: string | undefined;
  /** While the server has the word. */
  #answered: (() => void) | undefined;

  constructor(raw: Socket, options: MailConnectionOptions) {
    this.#raw = raw;
    this.#options = options;
    raw.setNoDelay(true);
    raw.on('error', () => undefined);
    raw.on('close', () => this.close());
    if (this.#strikes('connect', 'before') || this.#strikes('tls', 'before')) return;
    this.#secure();
  }

  /** Whose connection it is, for messages. */
  get label(): string {
    return `${this.#options.process.name}${this.#options.process.isDead ? ' (dead)' : ''} by ${this.#options.protocol}`;
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#hear();
    // Not within an event: Node does not bear it that a connection is cut while TLS tells of it.
    setImmediate(() => {
      (this.#client ?? this.#raw).destroy();
      this.#server?.destroy();
    });
  }

  /** The clock went on: what is fed byte by byte gets its next one. */
  tick(): void {
    if (this.#drip.length === 0) return;
    this.#client?.write(this.#drip.subarray(0, 1));
    this.#drip = this.#drip.subarray(1);
    if (this.#drip.length === 0) this.#hung = false;
  }

  #secure(): void {
    const { secureContext } = this.#options;
    const client = new TLSSocket(this.#raw, { isServer: true, secureContext });
    this.#client = client;
    client.on('error', () => this.close());
    client.on('end', () => this.close());
    client.once('secure', () => setImmediate(() => this.#open(client)));
  }

  #open(client: TLSSocket): void {
    const { upstreamPort, dialogue, onActivity } = this.#options;
    onActivity();
    if (this.#closed || this.#strikes('tls', 'after')) return;
    const server = connect({ host: '127.0.0.1', port: upstreamPort, rejectUnauthorized: false });
    this.#server = server;
    server.setNoDelay(true);
    server.on('error', () => this.close());
    server.on('data', (chunk) => {
      this.#hear();
      this.#pass(dialogue.fromServer(chunk), client);
    });
    server.on('close', () => {
      this.#hear();
      if (!this.#hung) client.end();
    });
    client.on('data', (chunk) => this.#pass(dialogue.fromClient(chunk), server));
    this.#ask();
  }

  /** It is the server's turn. */
  #ask(): void {
    this.#answered ??= this.#options.onAsk();
  }

  /** The server has said something, or nothing will come of it. */
  #hear(): void {
    this.#answered?.();
    this.#answered = undefined;
  }

  #pass(units: readonly Unit[], target: TLSSocket): void {
    this.#options.onActivity();
    for (const unit of units) {
      if (this.#hung || this.#closed) return;
      if (unit.tag !== undefined && unit.tag === this.#dropped) continue;
      const { step } = unit;
      if (step !== undefined && this.#strikes(step.name, step.moment, unit)) continue;
      target.write(unit.bytes);
      if (target === this.#server) this.#ask();
    }
  }

  /** True when a fault struck that takes the unit's place. */
  #strikes(name: string, moment: Moment, unit?: Unit): boolean {
    const { process, protocol, decide, identity, dialogue } = this.#options;
    const fault = decide({ function: process.name, channel: protocol, name, moment });
    switch (fault) {
      case undefined:
        return false;
      case 'killed':
        process.kill();
        this.close();
        return true;
      case 'hangs':
        this.#hang();
        return true;
      case 'closes':
        this.close();
        return true;
      case 'breaksTls':
        this.#raw.once('data', () => this.#raw.end('no TLS here\r\n'));
        return true;
      case 'dripFeeds':
        this.#drip = unit?.bytes ?? this.#drip;
        this.#hang();
        return true;
      case 'saysGoodbye':
        this.#client?.end(dialogue.answers.goodbye(unit?.tag));
        return true;
      case 'refuses':
        this.#refuse(dialogue.answers.refusal(unit?.tag), name, unit);
        return true;
      case 'limitsLogins':
        this.#refuse(dialogue.answers.loginLimit(unit?.tag), name, unit);
        if (protocol === 'smtp') this.#client?.end();
        return true;
      case 'hasNoSpace':
        this.#refuse(dialogue.answers.noSpace(unit?.tag), name, unit);
        return true;
      case 'talksGarbage':
        this.#client?.write(Buffer.from('\u0000\u00ff%&/ garbage } {\r\n)(*&^ more\r\n', 'latin1'));
        return true;
      case 'sendsEndlessLine':
        this.#flood('* OK ', protocol === 'imap' ? longestLine : 4 * 1024 * 1024);
        return true;
      case 'sendsEndlessLiteral':
        this.#flood('* 1 FETCH (UID 1 BODY[] {4000000000}\r\n', 4 * 1024 * 1024);
        return true;
      case 'changesIdentity':
      case 'changesIdentityEachTime':
        identity.shift += 1_000;
        return false;
      case 'serverDies':
        this.#options.onServerDeath();
        return false;
      case 'forgetsNumbers':
        identity.forgotten = 1;
        return false;
      default:
        return false;
    }
  }

  /** Answers in the server's place; the server never hears of the command. */
  #refuse(answer: string, name: string, unit: Unit | undefined): void {
    this.#dropped = unit?.tag;
    this.#client?.write(answer);
    // In the middle of a message the server waits for its end, so this connection is of no more use.
    if (name === 'dot' || name === 'message') this.#client?.end();
  }

  #hang(): void {
    this.#hung = true;
    this.#hear();
    // Read on, or the end of the client would not be noticed.
    (this.#client ?? this.#raw).resume();
    this.#options.onHang(this.#options.process);
  }

  /** Says more and more until the client has enough of it, and then nothing. */
  #flood(beginning: string, bytes: number): void {
    this.#hang();
    const client = this.#client;
    let left = bytes;
    client?.write(beginning);
    const pour = (): void => {
      while (client !== undefined && left > 0 && !client.destroyed) {
        left -= piece.length;
        this.#options.onActivity();
        if (!client.write(piece)) return void client.once('drain', pour);
      }
    };
    pour();
  }
}
