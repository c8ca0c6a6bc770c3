import type { SharedLane } from '../../../shared/lane-share/lane-shares.ts';

export interface LaneCapacity {
  readonly lane: SharedLane;
  readonly concurrency: number;
  readonly batchSize: number;
}

/** A twelfth of what is deployed: as much as two cores can do. */
export const capacities: readonly LaneCapacity[] = [
  { lane: 'incoming', concurrency: 8, batchSize: 10 },
  { lane: 'outgoing', concurrency: 6, batchSize: 10 },
  { lane: 'operations', concurrency: 4, batchSize: 10 },
  { lane: 'webhooks', concurrency: 6, batchSize: 1 },
];

/** A message that bears it ends the function to which it is delivered. */
export const deadlyMark = 'deadly';
