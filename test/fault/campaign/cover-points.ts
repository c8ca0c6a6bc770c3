import { allFaultKinds, type FaultKind } from '../plan/fault-kinds.ts';
import type { PlannedFault } from '../plan/fault-plan.ts';
import type { InvokedFunction } from '../process/function-code.ts';
import type { CaseResult } from './run-case.ts';

/** A function that is killed more often than this in one round gets little else done in it. */
const killsInOneRound = { incoming: 8, outgoing: 8, api: 8, feed: 6, watchdog: 3, operations: 2, 'dead-letters': 2 };
const othersInOneRound = 6;
const plansForOnePoint = 3;

/** Makes plans until every point that was ever reached has been struck by a kill, and every kind of fault has struck. */
export class PointCover {
  readonly #reached = new Set<string>();
  readonly #killed = new Set<string>();
  readonly #kinds = new Set<FaultKind>();
  readonly #planned = new Map<string, number>();
  /** Planned since the last result. */
  readonly #pending = new Set<string>();

  note({ reached, injected }: Pick<CaseResult, 'reached' | 'injected'>): void {
    this.#pending.clear();
    for (const point of reached.keys()) if (!/\| (delivery|timer|stream) \|/.test(point)) this.#reached.add(point);
    for (const { kind, point } of injected) {
      this.#kinds.add(kind);
      if (kind === 'killed') this.#killed.add(point);
    }
  }

  /** Points at which no process has been killed yet. */
  get openPoints(): readonly string[] {
    return [...this.#reached].filter((point) => !this.#killed.has(point));
  }

  get openKinds(): readonly FaultKind[] {
    return allFaultKinds.filter((kind) => !this.#kinds.has(kind));
  }

  get killedPoints(): number {
    return this.#killed.size;
  }

  /** The faults of the next round; none when all has been covered, or planned often enough without being reached. */
  plan(): readonly PlannedFault[] {
    const ofFunction = new Map<InvokedFunction, number>();
    const isWorth = (name: string): boolean =>
      !this.#pending.has(name) && (this.#planned.get(name) ?? 0) < plansForOnePoint;
    const kills = this.openPoints.filter((point) => {
      const name = point.split(' ')[0] as InvokedFunction;
      const count = ofFunction.get(name) ?? 0;
      if (count >= killsInOneRound[name] || !isWorth(point)) return false;
      ofFunction.set(name, count + 1);
      return true;
    });
    const kinds = this.openKinds.filter(isWorth).slice(0, othersInOneRound);
    for (const name of [...kills, ...kinds]) {
      this.#pending.add(name);
      this.#planned.set(name, (this.#planned.get(name) ?? 0) + 1);
    }
    return [
      ...kills.map((point): PlannedFault => ({ kind: 'killed', point, skip: 0 })),
      ...kinds.map((kind): PlannedFault => ({ kind, skip: 0, ...(kind === 'throttled' ? { times: 4 } : {}) })),
    ];
  }
}
