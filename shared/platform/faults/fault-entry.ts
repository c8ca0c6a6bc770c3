import type * as z from 'zod';
import type { whoActsSchema } from '../fault.ts';

/** The words that a person reads about a code. */
export interface FaultEntry {
  /** Status at the API; absent for faults that only appear inside tests, alerts, deliveries and decisions. */
  readonly status?: number;
  readonly title: string;
  readonly cause: string;
  /** What to do; never empty. */
  readonly fix: string;
  readonly whoActs: z.output<typeof whoActsSchema>;
}

export type FaultEntries = Readonly<Record<string, FaultEntry>>;
