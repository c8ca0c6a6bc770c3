import { applyChange, holds } from '../../shared/throttle/throttle-change.ts';
import { emptyThrottleItem, type ThrottleItem } from '../../shared/throttle/throttle-item.ts';
import type { ThrottleItems } from '../../shared/throttle/throttle-table.ts';

/** Counters in memory, for simulations. Not copied: whoever keeps what is returned sees it change. */
export const createMemoryThrottle = (): ThrottleItems & { readonly items: ReadonlyMap<string, ThrottleItem> } => {
  const items = new Map<string, ThrottleItem>();
  return {
    items,
    change: async ({ pk, sk }, change) => {
      const item = items.get(`${pk}/${sk}`);
      if (item === undefined || !holds(item, change)) return { found: item };
      applyChange(item, change);
      return { done: item };
    },
    create: async ({ pk, sk }) => {
      const key = `${pk}/${sk}`;
      if (!items.has(key)) items.set(key, emptyThrottleItem());
    },
  };
};
