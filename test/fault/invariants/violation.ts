import type { FaultPlan } from '../plan/fault-plan.ts';
import type { Cast } from '../scenario/cast.ts';
import type { Ledger } from '../scenario/ledger.ts';
import type { World } from '../world/world.ts';
import type { Observation } from './observation.ts';

export const violationKinds = ['lost', 'doubled', 'stuck', 'overLimit', 'feed', 'defect'] as const;

/** A promise that was not kept. */
export interface Violation {
  readonly kind: (typeof violationKinds)[number];
  readonly what: string;
}

/** All that a check may look at. */
export interface Evidence {
  readonly world: World;
  readonly cast: Cast;
  readonly ledger: Ledger;
  readonly plan: FaultPlan;
  readonly observation: Observation;
}

export type Check = (evidence: Evidence) => readonly Violation[];
