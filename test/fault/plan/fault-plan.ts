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
  /** How many steps at which it could strike it lets pass. */
  readonly skip: number;
  /** At how many steps in a row it strikes [1]. */
  readonly times?: number;
}

/** A fault that has struck. */
export interface InjectedFault {
  readonly kind: FaultKind;
  readonly point: string;
}

/** The faults of one run. Asked at every step, it says which fault strikes there. */
export class FaultPlan {
  readonly #open: { readonly fault: PlannedFault; skip: number; times: number }[];
  readonly #injected: InjectedFault[] = [];
  readonly #reached = new Map<string, number>();
  #armed = false;

  constructor(faults: readonly PlannedFault[]) {
    this.#open = faults.map((fault) => ({ fault, skip: fault.skip, times: fault.times ?? 1 }));
  }

  get injected(): readonly InjectedFault[] {
    return this.#injected;
  }

  /** How often each point was reached while faults could strike. */
  get reached(): ReadonlyMap<string, number> {
    return this.#reached;
  }

  countOf(kind: FaultKind, functionName?: InvokedFunction): number {
    return this.#injected.filter(
      (one) => one.kind === kind && (functionName === undefined || one.point.startsWith(`${functionName} |`)),
    ).length;
  }

  arm(): void {
    this.#armed = true;
  }

  disarm(): void {
    this.#armed = false;
  }

  get isArmed(): boolean {
    return this.#armed;
  }

  decide(step: Step): FaultKind | undefined {
    if (!this.#armed) return undefined;
    const point = pointOf(step);
    this.#reached.set(point, (this.#reached.get(point) ?? 0) + 1);
    let struck: FaultKind | undefined;
    for (const open of this.#open) {
      const { kind, function: name, point: only } = open.fault;
      if (open.times === 0 || (name !== undefined && name !== step.function)) continue;
      if ((only !== undefined && only !== point) || !canStrike(kind, step)) continue;
      // One fault a step: what would strike at the same one waits for the next.
      if (open.skip > 0) open.skip -= 1;
      else if (struck === undefined) {
        open.times -= 1;
        struck = kind;
        this.#injected.push({ kind, point });
      }
    }
    return struck;
  }
}
