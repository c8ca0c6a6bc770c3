import type { Fault } from '../platform/fault.ts';
import { pauseAttributes, type ThrottleItem, type ThrottleLine, type ThrottleSide } from './throttle-item.ts';
import type { ConcludedWindow } from './utilization.ts';

type LeaseEntry = ThrottleItem['leases'][string];

/** A pause that is over, and until when others stay away while one run tries the server. */
export interface ProbedPause {
  readonly side: ThrottleSide;
  readonly pausedUntil: number;
  readonly probeUntil: number;
}

/**
 * Every way in which a counter changes: what must stand in the item, and what the change makes of it. Each is one
 * conditional write; whoever keeps the items (a table, a simulation) carries it out as `holds` and `applyChange` say.
 */
export type ThrottleChange =
  /** Nothing is in the way. `turn`: who has no ticket waits until the instants given out in its line have passed. */
  | {
      readonly kind: 'take';
      readonly holder: string;
      readonly lease: LeaseEntry;
      readonly available: number;
      readonly line: ThrottleLine;
      readonly turn: number | undefined;
      readonly side: ThrottleSide;
      readonly ignoresPause: boolean;
    }
  /** The holder's own lease has expired: its place is taken over. */
  | { readonly kind: 'takeOver'; readonly holder: string; readonly lease: LeaseEntry; readonly expired: number }
  /** Expired leases of others make room. */
  | {
      readonly kind: 'replaceExpired';
      readonly holder: string;
      readonly lease: LeaseEntry;
      readonly n: number;
      readonly expired: readonly (readonly [holder: string, expiry: number])[];
      /** All leases of dead runs that are to be remembered from now on. */
      readonly died: NonNullable<ThrottleItem['died']>;
      /** With the pause over, this run tries the server, too. */
      readonly probe: ProbedPause | undefined;
    }
  /** The pause is over: one run tries the server. */
  | {
      readonly kind: 'probe';
      readonly holder: string;
      readonly lease: LeaseEntry;
      readonly available: number;
      readonly probe: ProbedPause;
    }
  | {
      readonly kind: 'ticket';
      readonly line: ThrottleLine;
      readonly previous: number | undefined;
      readonly next: number;
    }
  /**
   * `hold`: the new mean. `held`: what this lease adds to the window. `forgets`: a death of this holder, which only an item
   * can be asked that remembers any.
   */
  | {
      readonly kind: 'release';
      readonly holder: string;
      readonly expiry: number;
      readonly hold: number;
      readonly held: number;
      readonly now: number;
      readonly forgets: boolean;
      /** The window is over: the first who says so begins the next one. */
      readonly concluded: ConcludedWindow | undefined;
    }
  /** The holder's place stands as that of a dead run from `now` on. */
  | { readonly kind: 'expire'; readonly holder: string; readonly expiry: number; readonly now: number }
  | { readonly kind: 'pause'; readonly side: ThrottleSide; readonly until: number; readonly fault: Fault }
  | { readonly kind: 'resume'; readonly side: ThrottleSide };

const isOver = (item: ThrottleItem, { side, pausedUntil }: ProbedPause): boolean =>
  item[pauseAttributes[side].until] === pausedUntil;

/** Whether the change may be made to the item as it stands. */
export const holds = (item: ThrottleItem, change: ThrottleChange): boolean => {
  switch (change.kind) {
    case 'take':
      return (
        item.n < change.available &&
        (change.turn === undefined || (item[change.line] ?? 0) <= change.turn) &&
        item.leases[change.holder] === undefined &&
        (change.ignoresPause || item[pauseAttributes[change.side].until] === undefined)
      );
    case 'takeOver':
      return item.leases[change.holder]?.[0] === change.expired;
    case 'replaceExpired':
      return (
        item.leases[change.holder] === undefined &&
        item.n === change.n &&
        (change.probe === undefined || isOver(item, change.probe)) &&
        change.expired.every(([holder, expiry]) => item.leases[holder]?.[0] === expiry)
      );
    case 'probe':
      return isOver(item, change.probe) && item.n < change.available && item.leases[change.holder] === undefined;
    case 'ticket':
      return item[change.line] === change.previous;
    case 'release':
      return (
        item.leases[change.holder]?.[0] === change.expiry &&
        (change.concluded === undefined || item.heldSince === change.concluded.since)
      );
    case 'expire':
      return item.leases[change.holder]?.[0] === change.expiry;
    case 'pause':
      return true;
    case 'resume':
      return (item[pauseAttributes[change.side].failures] ?? 0) > 0;
  }
};

/** Makes the change, in place. */
export const applyChange = (item: ThrottleItem, change: ThrottleChange): void => {
  switch (change.kind) {
    case 'take':
      item.leases[change.holder] = change.lease;
      item.n += 1;
      break;
    case 'takeOver':
      item.leases[change.holder] = change.lease;
      break;
    case 'replaceExpired':
      for (const [holder] of change.expired) delete item.leases[holder];
      item.leases[change.holder] = change.lease;
      item.n += 1 - change.expired.length;
      item.died = { ...change.died };
      if (change.probe !== undefined) item[pauseAttributes[change.probe.side].until] = change.probe.probeUntil;
      break;
    case 'probe':
      item.leases[change.holder] = change.lease;
      item[pauseAttributes[change.probe.side].until] = change.probe.probeUntil;
      item.n += 1;
      break;
    case 'ticket':
      item[change.line] = change.next;
      break;
    case 'release':
      delete item.leases[change.holder];
      if (change.forgets) delete item.died?.[change.holder];
      item.hold = change.hold;
      item.n -= 1;
      item.held = (item.held ?? 0) + change.held - (change.concluded?.held ?? 0);
      item.heldSince = change.concluded?.until ?? item.heldSince ?? change.now;
      if (change.concluded !== undefined) {
        item.stretch = change.concluded.stretch;
        item.crowdedWindows = change.concluded.crowdedWindows;
        item.demand = change.concluded.demand;
      }
      break;
    case 'expire': {
      const lease = item.leases[change.holder];
      if (lease !== undefined) item.leases[change.holder] = [change.now, lease[1]];
      break;
    }
    case 'pause': {
      const pause = pauseAttributes[change.side];
      item[pause.until] = change.until;
      item[pause.fault] = change.fault;
      item[pause.failures] = (item[pause.failures] ?? 0) + 1;
      break;
    }
    case 'resume': {
      const pause = pauseAttributes[change.side];
      item[pause.failures] = 0;
      delete item[pause.until];
      delete item[pause.fault];
      break;
    }
  }
};
