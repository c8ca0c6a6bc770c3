import type { ThrottleItem } from '../../../shared/throttle/throttle-item.ts';
import { HottestKeys, Rate } from './statistics.ts';

/** Bytes of items as DynamoDB counts them, measured on items of the product with identifiers of real length. */
export const itemBytes = {
  cycle: 654,
  organization: 2_900,
  mailbox: 1_700,
  serverProfile: 2_300,
  decision: 1_892,
} as const;

/** What a tracked email costs beyond its cycle; see the figure `cost`. */
export const perTrackedEmail = { writeUnits: 33, objects: 1 } as const;
export const perSkippedMessage = { writeUnits: 4 } as const;
/** What a Send costs in the api and its lane beyond the two cycles. */
export const perSend = { writeUnits: 75, objects: 1 } as const;

/** Of a connection counter with so many leases. */
export const throttleBytes = (leases: number): number => 75 + leases * 58;

export const readUnits = (bytes: number, consistent: boolean): number =>
  Math.ceil(bytes / 4096) * (consistent ? 1 : 0.5);
export const writeUnits = (bytes: number): number => Math.max(1, Math.ceil(bytes / 1024));

/** What the day asks of each AWS service, second by second. */
export const createUsage = (from: number, until: number) => {
  const rate = () => new Rate(from, until);
  return {
    timersCreated: rate(),
    timersDeleted: rate(),
    timersFired: rate(),
    queueSends: rate(),
    queueReceives: rate(),
    queueDeletes: rate(),
    queuePushBacks: rate(),
    invocations: rate(),
    cyclesReads: rate(),
    cyclesWrites: rate(),
    recordsReads: rate(),
    recordsWrites: rate(),
    objects: rate(),
    /** Of one connection counter, one organization's decisions, and the organization itself. */
    counterWrites: new HottestKeys<ThrottleItem>(),
    decisionWrites: rate(),
    organizationReads: rate(),
  };
};
export type Usage = ReturnType<typeof createUsage>;
