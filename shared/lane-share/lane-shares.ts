import { randomBytes } from 'node:crypto';
import type { LaneRecord } from '../cycle/run-lane-batch.ts';
import type { LaneQueues } from '../platform/lane-queues.ts';
import { leaseMarginMilliseconds } from '../throttle/lease-margin.ts';
import type { Throttle } from '../throttle/throttle.ts';
import type { ThrottleKey } from '../throttle/throttle-item.ts';
import { isLasting } from '../throttle/utilization.ts';
import type { SharedLane, ShareLimits } from './share-limits.ts';

export type { SharedLane } from './share-limits.ts';

/** Stands for the lanes where the keys of the cycles table name a mailbox or a profile. */
const laneShareSubject = 'lanes';

/**
 * The counter of the invocations of a lane that work for an organization. Not a `throttle#` item: those are connections,
 * which the watchdog measures.
 */
export const laneShareKey = (organizationId: string, lane: SharedLane): ThrottleKey => ({
  pk: `${organizationId}#${laneShareSubject}`,
  sk: `share#${lane}`,
});

export interface ShareRequest {
  readonly organizationId: string;
  /** When the invocation is stopped (epoch milliseconds). */
  readonly endsAt: number;
  /** What is to be done has been given back before. */
  readonly hasTicket: boolean;
}

/** The share has been used up for half an hour, or suffices again. */
export type ShareShortage = { readonly state: 'lasting'; readonly utilization: number } | { readonly state: 'over' };

/** What an invocation may do for an organization: a place of the lane is its own until it leaves. */
export interface SharePlace {
  /** To be told before leaving, which notes that it has been. */
  readonly shortage: ShareShortage | undefined;
  leave(): Promise<void>;
}

export type ShareAnswer = SharePlace | { readonly until: number };

/** Keeps an organization from holding all the places of a lane. */
export interface LaneShares {
  enter(request: ShareRequest): Promise<ShareAnswer>;
}

/** An organization whose invocations are over that soon on the mean is not slow, however much it has to do. */
const briskMilliseconds = 5_000;
/** What was told before a server began to hang must not count for long. */
const rememberedMilliseconds = 10_000;
const rememberedOrganizations = 5_000;

const freePlace: SharePlace = { shortage: undefined, leave: async () => undefined };

export const createLaneShares = (deps: {
  readonly lane: SharedLane;
  readonly limits: ShareLimits;
  readonly throttle: Throttle;
  readonly now: () => number;
}): LaneShares => {
  /** How long invocations for an organization last, as its counter has told of late. */
  const holds = new Map<string, { readonly milliseconds: number; readonly until: number }>();

  const remember = (organizationId: string, hold: number | undefined): void => {
    if (hold === undefined) return;
    if (holds.size >= rememberedOrganizations) holds.clear();
    holds.set(organizationId, { milliseconds: hold, until: deps.now() + rememberedMilliseconds });
  };

  const isBrisk = (organizationId: string): boolean => {
    const hold = holds.get(organizationId);
    return hold !== undefined && hold.until > deps.now() && hold.milliseconds <= briskMilliseconds;
  };

  const take = ({ organizationId, endsAt, hasTicket }: ShareRequest, places: number) =>
    deps.throttle.acquire({
      key: laneShareKey(organizationId, deps.lane),
      // Short, since every byte of it stands in the item; and new each time, so that it is nobody's who died.
      holder: randomBytes(9).toString('base64url'),
      generation: 0,
      available: places,
      places,
      line: 'q',
      expiresAt: endsAt + leaseMarginMilliseconds,
      hasTicket,
      side: 'reading',
      ignoresPause: true,
      probeUntil: 0,
    });

  const enter: LaneShares['enter'] = async (request) => {
    const { organizationId } = request;
    const limits = await deps.limits.placesOf(organizationId);
    if (limits === undefined) return freePlace;
    const wasBrisk = isBrisk(organizationId);
    let answer = await take(request, wasBrisk ? limits.most : limits.share);
    if ('refused' in answer) {
      if (answer.refused !== 'paused') remember(organizationId, answer.hold);
      // This process did not know yet how soon the places come free.
      if (!wasBrisk && isBrisk(organizationId)) answer = await take({ ...request, hasTicket: true }, limits.most);
    }
    if ('refused' in answer) return { until: answer.until };
    remember(organizationId, answer.lease.hold);
    const { lease } = answer;
    const { concluded } = lease;
    const wasLasting = concluded !== undefined && isLasting({ crowdedWindows: concluded.wasCrowdedWindows });
    return {
      shortage:
        concluded !== undefined && isLasting(concluded)
          ? { state: 'lasting', utilization: concluded.utilization }
          : wasLasting
            ? { state: 'over' }
            : undefined,
      leave: () => deps.throttle.release(lease, true),
    };
  };

  return { enter };
};

/** Who waits asks again this often at most: refusals cost invocations. */
const shortestWaitSeconds = 3;
const longestWaitSeconds = 120;
/** The queue gives a message up after 50 deliveries; a fresh one goes on waiting well before. */
const deliveriesBeforeFreshMessage = 40;

/** Gives a message back until a place of its organization may be free (epoch milliseconds). */
export const waitForShare = async (
  queues: Pick<LaneQueues, 'send'>,
  lane: SharedLane,
  record: LaneRecord,
  { until, now, random }: { readonly until: number; readonly now: number; readonly random: number },
) => {
  const outcome = 'waitsForShare';
  if (record.receiveCount >= deliveriesBeforeFreshMessage) {
    await queues.send(lane, record.group, `${record.messageId}.again`, JSON.parse(record.body));
    return { done: true, outcome } as const;
  }
  const seconds = Math.ceil((until - now) / 1000);
  // Scattered, or all invocations that were refused at the same moment would ask at the same moment again.
  const shortest = shortestWaitSeconds + Math.round(2 * random);
  return { done: false, waitSeconds: Math.min(longestWaitSeconds, Math.max(shortest, seconds)), outcome } as const;
};
