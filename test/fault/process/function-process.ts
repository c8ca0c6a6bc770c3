import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { InvokedFunction } from './function-code.ts';
import type { HostAnswer, HostRequest } from './host-messages.ts';

/** How an invocation ended. */
export type InvocationEnd =
  | { readonly kind: 'returned'; readonly value: unknown }
  | { readonly kind: 'thrown'; readonly error: string }
  /** The process is gone: killed by a fault, stopped at its time limit, or ended by itself. */
  | { readonly kind: 'died' };

/** One process of one function. */
export class FunctionProcess {
  readonly name: InvokedFunction;
  /** Its connections come from here. */
  readonly address: string;
  readonly ready: Promise<void>;
  readonly #child: ChildProcess;
  #settle: ((end: InvocationEnd) => void) | undefined;
  #tellWaiting: (() => void) | undefined;
  #dead = false;
  /** Added to the clock of the world while this process runs. */
  skewMilliseconds = 0;

  constructor(
    name: InvokedFunction,
    options: {
      readonly address: string;
      readonly hostFile: string;
      readonly codeFile: string;
      readonly environment: Readonly<Record<string, string>>;
      /** File descriptor. */
      readonly log: number;
    },
  ) {
    this.name = name;
    this.address = options.address;
    this.#child = fork(options.hostFile, [], {
      env: { ...options.environment, FAULT_CODE: options.codeFile, FAULT_SOURCE_ADDRESS: options.address },
      execPath: process.execPath,
      execArgv: [],
      stdio: ['ignore', options.log, options.log, 'ipc'],
    });
    const ended = once(this.#child, 'exit');
    this.ready = new Promise((resolve, reject) => {
      this.#child.on('message', (message: HostAnswer) => {
        if (message.type === 'ready') resolve();
        else if (message.type === 'waiting') this.#tellWaiting?.();
        else
          this.#end(message.type === 'result' ? { kind: 'returned', value: message.value } : toThrown(message.error));
      });
      this.#child.on('error', () => undefined);
      void ended.then(() => {
        this.#dead = true;
        reject(new Error(`The process of ${name} ended`));
        this.#end({ kind: 'died' });
      });
    });
    this.ready.catch(() => undefined);
  }

  get isDead(): boolean {
    return this.#dead;
  }

  get isBusy(): boolean {
    return this.#settle !== undefined;
  }

  invoke(event: unknown, limits: { readonly remainingMilliseconds: number; readonly aheadMilliseconds: number }) {
    return new Promise<InvocationEnd>((resolve) => {
      this.#settle = resolve;
      if (this.#dead) this.#end({ kind: 'died' });
      else this.#send({ type: 'invoke', event, ...limits, aheadMilliseconds: this.#ahead(limits.aheadMilliseconds) });
    });
  }

  setClock(aheadMilliseconds: number): void {
    if (!this.#dead) this.#send({ type: 'clock', aheadMilliseconds: this.#ahead(aheadMilliseconds) });
  }

  /** Resolves when it has nothing to do but wait, or has ended. */
  waits(): Promise<void> {
    return new Promise((resolve) => {
      this.#tellWaiting = resolve;
      if (this.#settle === undefined || this.#dead) resolve();
      else this.#send({ type: 'areYouWaiting' });
    });
  }

  /** Ends it as the loss of its machine would: no more than what it has sent is known of it. */
  kill(): void {
    if (this.#dead) return;
    this.#dead = true;
    this.#child.kill('SIGKILL');
  }

  #ahead(aheadMilliseconds: number): number {
    return aheadMilliseconds + this.skewMilliseconds;
  }

  #send(request: HostRequest): void {
    this.#child.send(request, (error) => {
      if (error !== null) this.#end({ kind: 'died' });
    });
  }

  #end(end: InvocationEnd): void {
    const settle = this.#settle;
    this.#settle = undefined;
    settle?.(end);
    this.#tellWaiting?.();
  }
}

const toThrown = (error: string): InvocationEnd => ({ kind: 'thrown', error });
