import { createFault, type Fault } from '../platform/fault.ts';
import type { ServerProfile } from '../server-profile/server-profile.ts';
import type { Claim, Lease, Throttle } from './throttle.ts';
import { hostThrottleKey, profileThrottleKey, type ThrottleSide } from './throttle-item.ts';
import { layoutAt, shardLimit, shardOf } from './throttle-layout.ts';
import { isLasting, neededConnections } from './utilization.ts';

export interface GateRequest {
  readonly organizationId: string;
  readonly serverProfile: ServerProfile;
  readonly host: string;
  readonly mailboxId: string;
  readonly lane: 'incoming' | 'outgoing' | 'operations' | 'sentCopy';
  readonly generation: number;
  readonly expiresAt: number;
  readonly hasTicket: boolean;
  /** Try even a paused profile: a person asked. */
  readonly ignoresPause?: boolean;
  readonly probeUntil: number;
}

/** What to tell of a profile's connections: they have been too few for long, or they suffice again. */
export type Crowding =
  | { readonly state: 'crowded'; readonly utilization: number; readonly stretch: number; readonly needed: number }
  | { readonly state: 'relieved' };

/** A place at the server, held. */
export interface Gate {
  readonly recovered: boolean;
  /** The factor by which the interval to the next reading is stretched. */
  readonly stretch: number;
  /** To be told before leaving: then it is noted as told. */
  readonly crowding: Crowding | undefined;
  /** The place is kept until then at the longest (epoch milliseconds). */
  readonly until: number;
  /** Until when nobody tries the server that is read (epoch milliseconds); undefined: it is well. */
  readonly readingPausedUntil: number | undefined;
  leave(): Promise<void>;
  /** Keeps everybody from the server that this lane goes to. */
  pauseProfile(until: number, fault: Fault): Promise<void>;
  /**
   * The server is well: the one that this lane goes to unless said otherwise. When it was not paused, this costs nothing.
   *
   * @param tell tells people of it before the pause ends, so that a process which dies in between leaves that to the next
   * success. `standing`: codes of the faults for which the profile's other server is still paused.
   */
  resumeProfile(tell: (standing: ReadonlySet<string>) => Promise<void>, side?: ThrottleSide): Promise<void>;
}

export type GateAnswer =
  | Gate
  | { readonly refused: 'running' | 'full'; readonly until: number }
  | { readonly refused: 'paused'; readonly until: number; readonly fault: Fault };

/** Lets a run through to a server when the profile, and the host where the operator capped it, have a place free. */
export interface ConnectionGate {
  enter(request: GateRequest): Promise<GateAnswer>;
}

/** One place stays free for sending where there are this many, so that reading cannot starve it. */
const limitWithReserve = 3;
/** A lease that must end this soon is not worth taking. */
const shortestRunMilliseconds = 30_000;

const readingPlaces = (limit: number): number => (limit < limitWithReserve ? limit : limit - 1);

/**
 * How many connections the lane may see taken, and where it waits for one: behind those who read, the place that is
 * kept for sending would stay empty.
 */
const shareOf = (lane: GateRequest['lane'], limit: number): Pick<Claim, 'available' | 'places' | 'line'> => {
  const places = readingPlaces(limit);
  return lane === 'outgoing' && limit > places
    ? { available: limit, places, line: 'sendingQ' }
    : { available: places, places, line: 'q' };
};

/** What a concluded window says of the profile; of several shards, which are alike, the first speaks. */
const crowdingOf = ({ concluded }: Lease, maxConnections: number, shard: number): Crowding | undefined => {
  if (concluded === undefined || shard !== 0) return undefined;
  const { utilization, stretch, demand, wasCrowdedWindows } = concluded;
  if (isLasting(concluded))
    return { state: 'crowded', utilization, stretch, needed: neededConnections(maxConnections, demand) };
  return isLasting({ crowdedWindows: wasCrowdedWindows }) ? { state: 'relieved' } : undefined;
};

/** Host names are one in capitals and in small letters (RFC 4343), in an operator's list as in a profile. */
const capOf = (hostCaps: Readonly<Record<string, number>>, host: string): number | undefined =>
  Object.entries(hostCaps).find(([name]) => name.toLowerCase() === host.toLowerCase())?.[1];

export const createConnectionGate = (
  throttle: Throttle,
  hostCaps: Readonly<Record<string, number>>,
  now: () => number,
): ConnectionGate => ({
  enter: async (request) => {
    const { serverProfile, organizationId, mailboxId, lane } = request;
    const layout = layoutAt(serverProfile.throttle, now());
    if (layout.until - now() < shortestRunMilliseconds) return { refused: 'full', until: layout.until };
    const until = Math.min(request.expiresAt, layout.until);
    const shard = shardOf(mailboxId, layout.shards);
    const holder = `${mailboxId}+${lane}`;
    const side: ThrottleSide = lane === 'outgoing' ? 'sending' : 'reading';
    const claim = {
      holder,
      side,
      generation: request.generation,
      expiresAt: until,
      hasTicket: request.hasTicket,
      ignoresPause: request.ignoresPause ?? false,
      probeUntil: request.probeUntil,
    };
    const profileKey = profileThrottleKey(organizationId, serverProfile.id, shard);
    const own = await throttle.acquire({
      ...claim,
      key: profileKey,
      ...shareOf(lane, shardLimit(serverProfile.maxConnections, layout.shards, shard)),
    });
    if ('refused' in own) {
      if (own.refused !== 'paused') return own;
      return { refused: 'paused', until: own.until, fault: own.fault ?? createFault('connectFailed') };
    }
    const leases: Lease[] = [own.lease];
    const cap = capOf(hostCaps, request.host);
    if (cap !== undefined) {
      // Always after the profile's own counter: with one order for all, two runs cannot wait for each other.
      const shared = await throttle.acquire({
        ...claim,
        holder: `${organizationId}+${holder}`,
        key: hostThrottleKey(request.host),
        ...shareOf(lane, cap),
      });
      if ('refused' in shared) {
        await (own.lease.recovered ? throttle.expire(own.lease) : throttle.release(own.lease, false));
        return { refused: 'full', until: shared.until };
      }
      leases.push(shared.lease);
    }
    // Only those who can tell people of it conclude a window.
    const concludes = lane === 'incoming' || lane === 'outgoing';
    let left = false;
    return {
      recovered: own.lease.recovered,
      stretch: Math.max(...leases.map(({ stretch }) => stretch)),
      crowding: concludes ? crowdingOf(own.lease, serverProfile.maxConnections, shard) : undefined,
      until: until - 5_000,
      readingPausedUntil: own.lease.paused.get('reading')?.until,
      leave: async () => {
        if (left) return;
        left = true;
        for (const lease of [...leases].reverse()) await throttle.release(lease, concludes);
      },
      pauseProfile: (pausedUntil, fault) => throttle.pause(profileKey, side, pausedUntil, fault),
      resumeProfile: async (tell, resumed = side) => {
        const { paused } = own.lease;
        if (!paused.has(resumed)) return;
        const standing = [...paused].flatMap(([one, { fault }]) => (one === resumed ? [] : (fault?.code ?? [])));
        await tell(new Set(standing));
        const remaining = await throttle.resume(profileKey, resumed);
        // The other server became well meanwhile, and who found that took this one to fail: nobody else will tell it.
        if (standing.some((code) => !remaining.has(code))) await tell(remaining);
      },
    };
  },
});
