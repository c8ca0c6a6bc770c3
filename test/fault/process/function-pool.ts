import { closeSync, openSync } from 'node:fs';
import type { FunctionCode, InvokedFunction } from './function-code.ts';
import { FunctionProcess } from './function-process.ts';

export interface FunctionPoolOptions {
  readonly code: FunctionCode;
  readonly environment: Readonly<Record<string, string>>;
  readonly logFile: string;
  /** Processes that stand ready to take the place of a killed one. */
  readonly spares: Partial<Readonly<Record<InvokedFunction, number>>>;
}

/** The processes of the functions: warm ones go first, and for a killed one the next stands ready. */
export class FunctionPool {
  readonly #options: FunctionPoolOptions;
  readonly #log: number;
  readonly #idle = new Map<InvokedFunction, FunctionProcess[]>();
  readonly #byAddress = new Map<string, FunctionProcess>();
  #started = 0;

  constructor(options: FunctionPoolOptions) {
    this.#options = options;
    this.#log = openSync(options.logFile, 'a');
    for (const name of Object.keys(options.spares) as InvokedFunction[]) this.#refill(name);
  }

  /** Whose connection comes from this address. */
  find(address: string | undefined): FunctionProcess | undefined {
    return address === undefined ? undefined : this.#byAddress.get(address);
  }

  async take(name: InvokedFunction): Promise<FunctionProcess> {
    const idle = this.#idleOf(name);
    const process = idle.shift() ?? this.#start(name);
    this.#refill(name);
    await process.ready;
    return process;
  }

  giveBack(process: FunctionProcess): void {
    if (process.isDead) this.#byAddress.delete(process.address);
    else this.#idleOf(process.name).unshift(process);
  }

  busy(): readonly FunctionProcess[] {
    return [...this.#byAddress.values()].filter((process) => process.isBusy);
  }

  stop(): void {
    for (const process of this.#byAddress.values()) process.kill();
    this.#byAddress.clear();
    this.#idle.clear();
    closeSync(this.#log);
  }

  #idleOf(name: InvokedFunction): FunctionProcess[] {
    const idle = this.#idle.get(name) ?? [];
    this.#idle.set(name, idle);
    return idle;
  }

  #refill(name: InvokedFunction): void {
    const idle = this.#idleOf(name);
    while (idle.length < (this.#options.spares[name] ?? 0)) idle.push(this.#start(name));
  }

  #start(name: InvokedFunction): FunctionProcess {
    this.#started += 1;
    // 127.0.0.x is left to everybody else.
    const address = `127.${1 + Math.floor(this.#started / 62_500)}.${Math.floor(this.#started / 250) % 250}.${1 + (this.#started % 250)}`;
    const { code, environment } = this.#options;
    const process = new FunctionProcess(name, {
      address,
      hostFile: code.hostFile,
      codeFile: code.fileOf(name),
      environment,
      log: this.#log,
    });
    this.#byAddress.set(address, process);
    return process;
  }
}
