import type { InvokedFunction } from '../process/function-code.ts';
import { canStrike, type FaultKind } from './fault-kinds.ts';
import { pointOf, type Step } from './step.ts';

/** One fault that is to strike. */
export interface PlannedFault {
  readonly kind: FaultKind;
  /** Only steps of this function [any]. */
  readonly function?: InvokedFunction;
  /** Only steps at this point [any]. */
  readonly point?: string;
  /**
   * Only at one point in so many, those that the salt chooses: so a point that is passed once is struck as often as one
   * that is passed a hundred times [all points].
   */
  readonly lot?: { readonly salt: number; readonly oneIn: number };
  /** How many steps at which it could strike it lets pass. */
  readonly skip: number;
  /** At how many steps in a row it strikes [1]. */
  readonly times?: number;
}

/** The hash FNV-1a, mixed once more, since points differ at their ends only. */
const hash = (text: string, salt: number): number => {
  let value = 2_166_136_261 ^ salt;
  for (const character of text) value = Math.imul(value ^ (character.codePointAt(0) ?? 0), 16_777_619);
  value = Math.imul(value ^ (value >>> 15), 0x2c1b3c6d);
  return (value ^ (value >>> 13)) >>> 0;
};

const isChosen = ({ lot }: PlannedFault, point: string): boolean =>
  lot === undefined || hash(point, lot.salt) % lot.oneIn === 0;

/** A fault that has struck. */
export interface InjectedFault {
  /** In which round of the run, from 1. */
  readonly round: number;
  readonly kind: FaultKind;
  readonly point: string;
}

/** The faults of one run, round by round. Asked at every step, it says which fault strikes there. */
export class FaultPlan {
  #open: { readonly fault: PlannedFault; skip: number; times: number; met: boolean }[] = [];
  #round = 0;
  readonly #injected: InjectedFault[] = [];
  readonly #reached = new Map<string, number>();
  readonly #missed = new Set<string>();
  #armed = false;

  get injected(): readonly InjectedFault[] {
    return this.#injected;
  }

  /** How often each point was reached while faults could strike. */
  get reached(): ReadonlyMap<string, number> {
    return this.#reached;
  }

  /** Points that a round came to in which a fault should have struck there and none did. */
  get missed(): ReadonlySet<string> {
    return this.#missed;
  }

  /** Begins the next round: from now on these can strike. */
  arm(faults: readonly PlannedFault[]): void {
    this.#round += 1;
    this.#open = faults.map((fault) => ({ fault, skip: fault.skip, times: fault.times ?? 1, met: false }));
    this.#armed = true;
  }

  disarm(): void {
    this.#armed = false;
    for (const { fault, times, met } of this.#open)
      if (met && fault.point !== undefined && times === (fault.times ?? 1)) this.#missed.add(fault.point);
    this.#open = [];
  }

  get round(): number {
    return this.#round;
  }

  decide(step: Step): FaultKind | undefined {
    if (!this.#armed) return undefined;
    const point = pointOf(step);
    this.#reached.set(point, (this.#reached.get(point) ?? 0) + 1);
    let struck: FaultKind | undefined;
    for (const open of this.#open) {
      const { kind, function: name, point: only } = open.fault;
      if (open.times === 0 || (name !== undefined && name !== step.function)) continue;
      if ((only !== undefined && only !== point) || !canStrike(kind, step) || !isChosen(open.fault, point)) continue;
      open.met = true;
      // One fault a step: what would strike at the same one waits for the next.
      if (open.skip > 0) open.skip -= 1;
      else if (struck === undefined) {
        open.times -= 1;
        struck = kind;
        this.#injected.push({ round: this.#round, kind, point });
      }
    }
    return struck;
  }
}
