import { allFaultKinds, type FaultKind } from '../plan/fault-kinds.ts';
import type { PlannedFault } from '../plan/fault-plan.ts';
import type { InvokedFunction } from '../process/function-code.ts';
import type { CaseResult } from './run-case.ts';

/** A function that is killed more often than this in one round gets little else done in it. */
const killsInOneRound: Readonly<Record<InvokedFunction, number>> = {
  incoming: 8,
  outgoing: 8,
  api: 8,
  feed: 6,
  watchdog: 3,
  operations: 8,
  'dead-letters': 2,
};
const kindsInOneRound = 8;
const plansForOnePoint = 5;

/** What makes the functions do what they do only when something fails: alerts, retries, dead letters. */
const provocations: readonly (readonly PlannedFault[])[] = [
  [
    { kind: 'closes', function: 'incoming', skip: 4, times: 2 },
    { kind: 'closes', point: 'outgoing | smtp | dot | after', skip: 0 },
  ],
  [
    { kind: 'killed', point: 'incoming | imap | UID FETCH messages | before', skip: 0, times: 3 },
    { kind: 'refuses', point: 'outgoing | smtp | RCPT | before', skip: 0, times: 4 },
    { kind: 'givenUp', skip: 0 },
  ],
  [
    { kind: 'hangs', point: 'incoming | imap | connect | before', skip: 0, times: 2 },
    { kind: 'givenUp', skip: 1 },
    { kind: 'hasNoSpace', point: 'outgoing | imap | APPEND | before', skip: 0, times: 6 },
  ],
];

const functionOf = (point: string): InvokedFunction => point.split(' ')[0] as InvokedFunction;

const callOf = (point: string): string => point.slice(0, point.lastIndexOf(' | '));

/** Makes plans until every point has been struck by a kill, and every kind of fault has struck. */
export class PointCover {
  readonly #functions: ReadonlySet<InvokedFunction>;
  /** Reached when nothing fails. */
  readonly #calm = new Set<string>();
  readonly #reached = new Set<string>();
  readonly #killed = new Set<string>();
  readonly #struck = new Set<FaultKind>();
  readonly #planned = new Map<string, number>();
  /** Planned since the last result. */
  readonly #pending = new Set<string>();
  readonly #missed = new Set<string>();
  #rounds = 0;

  constructor(functions: readonly InvokedFunction[]) {
    this.#functions = new Set(functions);
  }

  note({ reached, injected, missed }: Pick<CaseResult, 'reached' | 'injected' | 'missed'>): void {
    for (const point of missed) this.#missed.add(point);
    this.#pending.clear();
    for (const point of reached.keys()) {
      if (/\| (delivery|timer|stream) \|/.test(point) || !this.#functions.has(functionOf(point))) continue;
      this.#reached.add(point);
      if (injected.length === 0) this.#calm.add(point);
    }
    for (const { kind, point } of injected) {
      this.#struck.add(kind);
      if (kind === 'killed') this.#killed.add(point);
    }
  }

  /** Points of an undisturbed run at which no process has been killed yet. */
  get openPoints(): readonly string[] {
    return [...this.#calm].filter((point) => !this.#killed.has(point));
  }

  /** Of the open points those that a round came to while somebody was to be killed there, and those never tried. */
  get missedPoints(): readonly string[] {
    return this.openPoints.filter((point) => this.#missed.has(point) || !this.#planned.has(point));
  }

  get openKinds(): readonly FaultKind[] {
    return allFaultKinds.filter((kind) => !this.#struck.has(kind));
  }

  /** Points that only a run in trouble reaches, and at which no process has been killed yet. */
  get openSidePoints(): readonly string[] {
    return [...this.#reached].filter((point) => !this.#calm.has(point) && !this.#killed.has(point));
  }

  /**
   * The faults of the next round; none when all has been covered, or planned often enough without being reached.
   * `kinds`: whether other faults than kills are to strike, too.
   */
  plan(kinds: boolean): readonly PlannedFault[] {
    const calls = new Set<string>();
    const kills = [...this.#takePoints(this.openPoints, calls), ...this.#takePoints(this.openSidePoints, calls)];
    const others = kinds ? this.openKinds.filter((kind) => this.#isWorth(kind)).slice(0, kindsInOneRound) : [];
    if (kills.length + others.length === 0) return [];
    for (const name of [...kills, ...others]) {
      this.#pending.add(name);
      this.#planned.set(name, (this.#planned.get(name) ?? 0) + 1);
    }
    this.#rounds += 1;
    const provoked =
      this.openPoints.length < kills.length ? (provocations[this.#rounds % provocations.length] ?? []) : [];
    return [
      ...kills.map((point): PlannedFault => ({ kind: 'killed', point, skip: 0 })),
      ...others.map((kind): PlannedFault => ({ kind, skip: 0, ...(kind === 'throttled' ? { times: 4 } : {}) })),
      ...provoked,
    ];
  }

  #isWorth(name: string): boolean {
    return !this.#pending.has(name) && (this.#planned.get(name) ?? 0) < plansForOnePoint;
  }

  /** @param calls those at which somebody is killed in this round already: one who died before a call never ends it */
  #takePoints(points: readonly string[], calls: Set<string>): readonly string[] {
    const counts = new Map<InvokedFunction, number>();
    return points.filter((point) => {
      const name = functionOf(point);
      const count = counts.get(name) ?? 0;
      const call = callOf(point);
      if (count >= killsInOneRound[name] || calls.has(call) || !this.#isWorth(point)) return false;
      calls.add(call);
      counts.set(name, count + 1);
      return true;
    });
  }
}
