import type { Cycle } from './cycle.ts';

/** Whether the last run since then failed; a server that asks to come back later is no failure. */
export const failedSince = (cycle: Cycle | undefined, since: number): boolean => {
  if (cycle?.lastCompletedAt === undefined || cycle.lastCompletedAt < since) return false;
  if (cycle.lastSuccessAt === cycle.lastCompletedAt) return false;
  return cycle.consecutiveFailures > 0 || cycle.reason === 'profilePaused';
};
