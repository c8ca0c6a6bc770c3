import type { Cycle } from './cycle.ts';
import type { CycleStore } from './cycle-store.ts';
import type { CarefulMode } from './workload.ts';

/** The run that died unmarked counts as the first, so the marker of the third run finds two before it. */
const deathsBeforeSetAside = 3;

/**
 * After a run died: notes each item before it is begun, so that a later run knows which one the death was at. The happy
 * path pays nothing for this.
 */
export const createCarefulMode = (store: CycleStore, cycle: Cycle): CarefulMode => {
  let marker = cycle.marker;
  return {
    begin: async (item) => {
      const deaths = marker?.item === item ? marker.attempts + 1 : 1;
      if (deaths >= deathsBeforeSetAside) return 'setAside';
      marker = { item, attempts: deaths };
      await store.mark(cycle, marker);
      return 'process';
    },
  };
};
