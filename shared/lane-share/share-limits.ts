import { organizationKind } from '../organization/organization.ts';
import { organizationListingKind } from '../organization/organization-listing.ts';
import type { EntityStore } from '../platform/entity-store.ts';
import { deploymentScope } from '../platform/records-table.ts';
import { countConnections } from '../quota/require-quota.ts';
import { webhookKind, webhookLimit } from '../webhook/webhook.ts';

export type SharedLane = 'incoming' | 'outgoing' | 'operations' | 'webhooks';

/** How many invocations of a lane may work for one organization at the same time. */
export interface SharePlaces {
  /** Of one that keeps its places for long: two of them at once leave others room. */
  readonly share: number;
  /** Of one whose places come free every few seconds: never all of them, so that others need not wait even that long. */
  readonly most: number;
}

export interface ShareLimits {
  /** Undefined: nothing needs to be counted, since nothing limits it or it could never hold more. */
  placesOf(organizationId: string): Promise<SharePlaces | undefined>;
}

export interface LaneCapacity {
  readonly lane: SharedLane;
  /** Most invocations of the lane at a time. */
  readonly concurrency: number;
  /** What an organization may hold of them, where the operator has not granted it another share. */
  readonly sharePercent: number;
}

const mostPercent = 90;

/** At least one place, or nothing would ever be done; undefined: all of them. */
export const placesOfShare = (concurrency: number, sharePercent: number): SharePlaces | undefined => {
  if (sharePercent >= 100) return undefined;
  const placesOf = (percent: number): number => Math.max(1, Math.floor((concurrency * percent) / 100));
  return { share: placesOf(sharePercent), most: placesOf(Math.max(mostPercent, sharePercent)) };
};

/**
 * The most invocations that an organization could hold for long. A run of the lanes incoming and outgoing that has no
 * connection is over at once, and a webhook is one run at a time.
 */
const mostHeld = async (store: EntityStore, lane: SharedLane, organizationId: string): Promise<number> => {
  switch (lane) {
    case 'incoming':
    case 'outgoing':
      return countConnections(store, organizationId);
    case 'webhooks':
      return (await store.list(webhookKind, organizationId, { limit: webhookLimit })).items.length;
    case 'operations':
      return Number.POSITIVE_INFINITY;
  }
};

const readPlaces = async (
  store: EntityStore,
  { lane, concurrency, sharePercent }: LaneCapacity,
  organizationId: string,
): Promise<SharePlaces | undefined> => {
  // Who has the deployment to himself takes nothing from anybody.
  const { items } = await store.list(organizationListingKind, deploymentScope, { limit: 2 });
  if (items.length < 2) return undefined;
  const organization = await store.get(organizationKind, organizationId, organizationId, 'eventual');
  // Of one that has been erased nothing must be written any more.
  if (organization === undefined && organizationId !== deploymentScope) return undefined;
  const places = placesOfShare(concurrency, organization?.quota.laneSharePercent ?? sharePercent);
  if (places === undefined || (await mostHeld(store, lane, organizationId)) <= places.share) return undefined;
  return places;
};

/**
 * Profiles and quotas change seldom, and an idle cycle must not pay for reading them only to find that nothing is to be
 * counted. Rings and operations cost more than that, and many webhooks are made in a moment.
 */
const keptMilliseconds: Readonly<Record<SharedLane, number>> = {
  incoming: 600_000,
  outgoing: 600_000,
  operations: 60_000,
  webhooks: 0,
};
const keptOrganizations = 5_000;

/** Reads what limits an organization and remembers it for a while, ten minutes at most. */
export const createShareLimits = (store: EntityStore, capacity: LaneCapacity, now: () => number): ShareLimits => {
  const known = new Map<string, { readonly until: number; readonly places: Promise<SharePlaces | undefined> }>();
  return {
    placesOf: async (organizationId) => {
      const present = known.get(organizationId);
      if (present !== undefined && present.until > now()) return present.places;
      if (known.size >= keptOrganizations) known.clear();
      const places = readPlaces(store, capacity, organizationId);
      known.set(organizationId, { until: now() + keptMilliseconds[capacity.lane], places });
      try {
        return await places;
      } catch (error) {
        known.delete(organizationId);
        throw error;
      }
    },
  };
};
