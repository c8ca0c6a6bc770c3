import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { createLaneShares } from '../../shared/lane-share/lane-shares.ts';
import { reportShortage } from '../../shared/lane-share/report-shortage.ts';
import { createShareLimits, type SharedLane } from '../../shared/lane-share/share-limits.ts';
import type { EntityStore } from '../../shared/platform/entity-store.ts';
import { createThrottle } from '../../shared/throttle/throttle.ts';
import type { LaneSharing } from './hold-places.ts';

/** What keeps organizations from each other's places in a lane. */
export const createLaneSharing = (
  lane: SharedLane,
  { document, store }: { readonly document: DynamoDBDocumentClient; readonly store: EntityStore },
  environment: {
    readonly CYCLES_TABLE: string;
    readonly LANE_CONCURRENCY: number;
    readonly ORGANIZATION_SHARE_PERCENT: number;
  },
): LaneSharing => {
  const capacity = {
    lane,
    concurrency: environment.LANE_CONCURRENCY,
    sharePercent: environment.ORGANIZATION_SHARE_PERCENT,
  };
  return {
    shares: createLaneShares({
      lane,
      limits: createShareLimits(store, capacity, Date.now),
      throttle: createThrottle(document, environment.CYCLES_TABLE, Date.now),
      now: Date.now,
    }),
    report: (organizationId, shortage) => reportShortage(store, { organizationId, lane, shortage, now: new Date() }),
  };
};
