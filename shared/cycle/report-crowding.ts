import { createFault } from '../platform/fault.ts';
import { maxConnectionsCeiling } from '../server-profile/server-profile.ts';
import type { Crowding } from '../throttle/connection-gate.ts';
import type { WorkloadReport } from './plan-next.ts';

const percent = (share: number): string => `${Math.round(share * 100)} %`;

/** What people are told when a profile's connections are too few, and when they suffice again. */
export const crowdingReport = (crowding: Crowding): WorkloadReport => {
  if (crowding.state === 'relieved') return { type: 'profileRelieved' };
  const { utilization, stretch, needed } = crowding;
  return {
    type: 'profileCrowded',
    fault: createFault('serverCrowded', {
      detail:
        `The connections of this profile were ${percent(utilization)} in use for the last ten minutes; ` +
        `intervals are ${stretch.toFixed(1)} times as long as set`,
      fix:
        needed > maxConnectionsCeiling
          ? `${needed} connections would be needed: spread the mailboxes over several profiles and servers`
          : `Set maxConnections to ${needed} if the server allows as many, or move mailboxes elsewhere`,
    }),
  };
};
