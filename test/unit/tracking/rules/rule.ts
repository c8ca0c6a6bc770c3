import type { DecisionWorld } from '../../../support/decision-world.ts';

/** One rule about mail, as docs/rules.md lists it, with what shows it. */
export interface Rule {
  readonly rule: string;
  /** Settings that it depends on, as dotted paths. */
  readonly settings?: readonly string[];
  readonly shows: (world: DecisionWorld) => Promise<void>;
}
