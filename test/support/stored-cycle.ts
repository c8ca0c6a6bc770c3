import type { Cycle } from '../../shared/cycle/cycle.ts';

/** The cycle of a workload that is enabled and has never failed. */
export const storedCycle = (changes: Pick<Cycle, 'due'> & Partial<Cycle>): Cycle => ({
  v: 1,
  organizationId: 'org_1',
  mailboxId: 'mbx_1',
  workload: 'incoming',
  enabled: true,
  generation: 4,
  wakes: 0,
  serverProfileId: 'prf_1',
  consecutiveFailures: 0,
  idleCycles: 0,
  cursors: {},
  ...changes,
});
