import { clearAlert, raiseAlert } from '../alert/raise-alert.ts';
import type { EntityStore } from '../platform/entity-store.ts';
import { createFault } from '../platform/fault.ts';
import { deploymentScope } from '../platform/records-table.ts';
import type { SharedLane, ShareShortage } from './lane-shares.ts';

/** Tells an organization that its share of a lane has been too small for long; clears it when the share suffices. */
export const reportShortage = async (
  store: EntityStore,
  report: {
    readonly organizationId: string;
    readonly lane: SharedLane;
    readonly shortage: ShareShortage;
    readonly now: Date;
  },
): Promise<void> => {
  const { organizationId, lane, shortage, now } = report;
  // The operator's own work has nobody who reads alerts.
  if (organizationId === deploymentScope) return;
  const subject = { type: 'lane', id: lane };
  if (shortage.state === 'over') {
    await clearAlert(store, organizationId, 'laneShareUsedUp', subject.id, { now });
    return;
  }
  await raiseAlert(store, {
    organizationId,
    level: 'information',
    scope: 'organization',
    fault: createFault('laneShareUsedUp', {
      detail: `${Math.round(shortage.utilization * 100)} % of the organization's places in the lane ${lane} were in use for the last ten minutes`,
    }),
    subject,
    now,
  });
};
