import type { Cycle } from './cycle.ts';
import { failedSince } from './failed-since.ts';

const hourMilliseconds = 3_600_000;
/** Of fewer than this a share says little; their own alerts tell enough. */
const fewestCycles = 20;

/** Which share of the cycles of each lane failed within the last hour, in percent. */
export const createFailingShare = (now: number) => {
  const counted = { incoming: { all: 0, failing: 0 }, outgoing: { all: 0, failing: 0 } };
  return {
    add: (cycle: Cycle): void => {
      if (!cycle.enabled && cycle.reason !== 'disabled') return;
      counted[cycle.workload].all += 1;
      if (failedSince(cycle, now - hourMilliseconds)) counted[cycle.workload].failing += 1;
    },
    percentOf: (workload: Cycle['workload']): number => {
      const { all, failing } = counted[workload];
      return all < fewestCycles ? 0 : Math.round((failing / all) * 100);
    },
  };
};
