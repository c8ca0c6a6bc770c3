import type { Cycle } from '../../../shared/cycle/cycle.ts';
import { type CycleStore, FenceError } from '../../../shared/cycle/cycle-store.ts';
import { sendCycle } from '../../../shared/cycle/send-cycle.ts';
import type { LaneQueues } from '../../../shared/platform/lane-queues.ts';
import type { Fleet } from './fleet.ts';
import { itemBytes, readUnits, type Usage, writeUnits } from './usage.ts';

export const workloads = ['incoming', 'outgoing'] as const;
const bucketMilliseconds = 2_000;

/** A cycle that knows its mailbox by number, which is quicker than by name. */
interface NumberedCycle extends Cycle {
  readonly number: number;
}

export const numberOf = (cycle: Cycle): number => ('number' in cycle ? Number(cycle.number) : 0);

/** The cycles table in memory. An item that a run holds is not changed under it: each change makes the other copy. */
export class CyclesModel {
  readonly #fleet: Fleet;
  readonly #usage: Usage;
  readonly #now: () => number;
  readonly #numbers = new Map<string, number>();
  readonly #items: Cycle[] = [];
  readonly #spares: Cycle[] = [];

  constructor(fleet: Fleet, usage: Usage, now: () => number) {
    this.#fleet = fleet;
    this.#usage = usage;
    this.#now = now;
    for (const [number, mailboxId] of fleet.mailboxIds.entries()) this.#numbers.set(mailboxId, number);
  }

  numberOf(mailboxId: string): number {
    return this.#numbers.get(mailboxId) ?? 0;
  }

  enable(mailbox: number, workload: Cycle['workload'], due: number | null): Cycle {
    const cycle: NumberedCycle = {
      number: mailbox,
      v: 1,
      organizationId: this.#fleet.organization.id,
      mailboxId: this.#fleet.mailboxIds[mailbox] ?? '',
      workload,
      enabled: true,
      generation: 1,
      due,
      reason: 'interval',
      wakes: 0,
      serverProfileId: this.#fleet.profiles[this.#fleet.serverOf[mailbox] ?? 0]?.id ?? '',
      lastCompletedAt: 0,
      lastSuccessAt: 0,
      consecutiveFailures: 0,
      workedCredential: 'secret',
      idleCycles: 0,
      cursors: {},
      waitsUntil: undefined,
    };
    const slot = this.#slot(mailbox, workload);
    this.#items[slot] = cycle;
    this.#spares[slot] = { ...cycle };
    return cycle;
  }

  get(mailbox: number, workload: Cycle['workload']): Cycle {
    const cycle = this.#items[this.#slot(mailbox, workload)];
    if (cycle === undefined) throw new Error('There is no such cycle');
    return cycle;
  }

  /** All items, in as many segments as the watchdog reads at once. */
  segments(count: number): AsyncIterable<Readonly<Record<string, unknown>>>[] {
    const items = this.#items;
    const usage = this.#usage;
    const now = this.#now;
    async function* segment(from: number) {
      for (let slot = from; slot < items.length; slot += count) yield items[slot] as Cycle;
      usage.cyclesReads.add(now(), ((items.length / count) * itemBytes.cycle) / 8192);
    }
    return Array.from({ length: count }, (_, from) => segment(from));
  }

  /** What the api does for an accepted Send. */
  async wake(queues: LaneQueues, mailbox: number, workload: Cycle['workload']): Promise<void> {
    const at = this.#now();
    const slot = this.#slot(mailbox, workload);
    const cycle = { ...this.get(mailbox, workload), due: at };
    cycle.wakes += 1;
    this.#items[slot] = cycle;
    this.#wrote();
    await sendCycle(queues, cycle, 'wake', String(Math.floor(at / bucketMilliseconds)));
  }

  readonly store: CycleStore = {
    read: (_, mailboxId, workload, consistency) => {
      this.#usage.cyclesReads.add(this.#now(), readUnits(itemBytes.cycle, consistency !== 'eventual'));
      return Promise.resolve(this.get(this.numberOf(mailboxId), workload));
    },
    complete: async (cycle, completion) => {
      const slot = this.#slot(numberOf(cycle), cycle.workload);
      const stood = this.#items[slot];
      const next = this.#spares[slot];
      this.#wrote();
      if (stood === undefined || next === undefined || stood.generation !== cycle.generation || !stood.enabled)
        throw new FenceError();
      if (!completion.evenIfWoken && stood.wakes !== cycle.wakes) return 'woken';
      next.generation = cycle.generation + 1;
      next.enabled = completion.next.enabled;
      next.due = completion.next.due;
      next.reason = completion.next.reason;
      next.wakes = stood.wakes;
      next.lastCompletedAt = completion.completedAt;
      next.lastSuccessAt = completion.next.succeeded ? completion.completedAt : stood.lastSuccessAt;
      next.consecutiveFailures = completion.next.consecutiveFailures;
      next.idleCycles = completion.next.idleCycles;
      next.probing = completion.next.probing;
      next.waitsUntil = undefined;
      this.#items[slot] = next;
      this.#spares[slot] = stood;
      return next;
    },
    saveCursor: async () => this.#wrote(),
    postpone: async (cycle, until) => {
      this.#wrote();
      const slot = this.#slot(numberOf(cycle), cycle.workload);
      const stood = this.#items[slot];
      if (stood?.generation !== cycle.generation) throw new FenceError();
      this.#items[slot] = { ...stood, waitsUntil: until };
    },
    mark: async () => this.#wrote(),
    forgetSynchronized: async () => undefined,
  };

  #wrote(): void {
    this.#usage.cyclesWrites.add(this.#now(), writeUnits(itemBytes.cycle));
  }

  #slot(mailbox: number, workload: Cycle['workload']): number {
    return mailbox * 2 + (workload === 'incoming' ? 0 : 1);
  }
}
