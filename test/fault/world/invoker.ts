import type { InvokedFunction } from '../process/function-code.ts';
import type { FunctionPool } from '../process/function-pool.ts';
import type { FunctionProcess, InvocationEnd } from '../process/function-process.ts';
import type { Pulse } from './pulse.ts';
import type { WorldClock } from './world-clock.ts';

interface Running {
  readonly name: InvokedFunction;
  /** The world's clock stops it then. */
  readonly endsAt: number;
  process: FunctionProcess | undefined;
  hangs: boolean;
}

/** Seconds after which a function is stopped, as they are deployed. */
const limits: Readonly<Record<InvokedFunction, number>> = {
  api: 29,
  incoming: 120,
  outgoing: 120,
  operations: 120,
  feed: 60,
  watchdog: 240,
  'dead-letters': 60,
};

const longestWorkMilliseconds = 20_000;

/** Invokes functions and stops those that run over their time limit. */
export class Invoker {
  readonly #pool: FunctionPool;
  readonly #clock: WorldClock;
  readonly #pulse: Pulse;
  readonly #running = new Set<Running>();

  constructor(pool: FunctionPool, clock: WorldClock, pulse: Pulse) {
    this.#pool = pool;
    this.#clock = clock;
    this.#pulse = pulse;
  }

  count(name?: InvokedFunction): number {
    return [...this.#running].filter((one) => name === undefined || one.name === name).length;
  }

  /** Everything that runs waits for an answer that does not come. */
  get hangs(): boolean {
    return [...this.#running].every((one) => one.hangs);
  }

  /** Resolves when all that runs has nothing to do but wait, or is busy for so long that it will never wait. */
  async waits(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const isLost = new Promise((resolve) => {
      timer = setTimeout(resolve, longestWorkMilliseconds);
    });
    await Promise.race([Promise.all([...this.#running].map(({ process }) => process?.waits())), isLost]);
    clearTimeout(timer);
  }

  noteHang(process: FunctionProcess): void {
    for (const one of this.#running) if (one.process === process) one.hangs = true;
  }

  async invoke(
    name: InvokedFunction,
    event: unknown,
    options: { readonly remainingSeconds?: number | undefined; readonly skewSeconds?: number | undefined } = {},
  ): Promise<InvocationEnd> {
    const seconds = options.remainingSeconds ?? limits[name];
    const running: Running = { name, endsAt: this.#clock.now() + seconds * 1000, process: undefined, hangs: false };
    this.#running.add(running);
    try {
      const started = this.#pulse.ask();
      const process = await this.#pool.take(name).finally(started);
      running.process = process;
      process.skewMilliseconds = (options.skewSeconds ?? 0) * 1000;
      const end = await process.invoke(event, {
        remainingMilliseconds: seconds * 1000,
        aheadMilliseconds: this.#clock.aheadMilliseconds,
      });
      this.#pool.giveBack(process);
      return end;
    } finally {
      this.#running.delete(running);
      this.#pulse.beat();
    }
  }

  /** The clock has been set: tells the functions, and stops those whose time is up. */
  followClock(): void {
    for (const { process, endsAt } of this.#running) {
      if (process === undefined) continue;
      if (this.#clock.now() > endsAt) process.kill();
      else process.setClock(this.#clock.aheadMilliseconds);
    }
  }

  killAll(): void {
    for (const { process } of this.#running) process?.kill();
  }
}
