import { createFault, type Fault } from '../platform/fault.ts';
import type { ServerProfile } from '../server-profile/server-profile.ts';
import type { Claim, Lease, Throttle } from './throttle.ts';
import { hostThrottleKey, profileThrottleKey } from './throttle-item.ts';
import { layoutAt, shardLimit, shardOf } from './throttle-layout.ts';

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

/** A place at the server, held. */
export interface Gate {
  readonly recovered: boolean;
  /** The place is kept until then at the longest (epoch milliseconds). */
  readonly until: number;
  leave(): Promise<void>;
  pauseProfile(until: number, fault: Fault): Promise<void>;
  /** True when the profile had been paused. Costs nothing when it was well. */
  resumeProfile(): Promise<boolean>;
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

/**
 * How many connections the lane may see taken, and where it waits for one: behind those who read, the place that is
 * kept for sending would stay empty.
 */
const shareOf = (lane: GateRequest['lane'], limit: number): Pick<Claim, 'available' | 'line'> => {
  if (limit < limitWithReserve) return { available: limit, line: 'q' };
  return lane === 'outgoing' ? { available: limit, line: 'sendingQ' } : { available: limit - 1, line: 'q' };
};

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
    const claim = {
      holder,
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
    const cap = hostCaps[request.host.toLowerCase()];
    if (cap !== undefined) {
      // Always after the profile's own counter: with one order for all, two runs cannot wait for each other.
      const shared = await throttle.acquire({
        ...claim,
        holder: `${organizationId}+${holder}`,
        key: hostThrottleKey(request.host),
        ...shareOf(lane, cap),
      });
      if ('refused' in shared) {
        await throttle.release(own.lease);
        return { refused: 'full', until: shared.until };
      }
      leases.push(shared.lease);
    }
    let left = false;
    return {
      recovered: own.lease.recovered,
      until: until - 5_000,
      leave: async () => {
        if (left) return;
        left = true;
        for (const lease of [...leases].reverse()) await throttle.release(lease);
      },
      pauseProfile: (pausedUntil, fault) => throttle.pause(profileKey, pausedUntil, fault),
      resumeProfile: async () => {
        if (own.lease.profileFailures === 0) return false;
        await throttle.resume(profileKey);
        return true;
      },
    };
  },
});
