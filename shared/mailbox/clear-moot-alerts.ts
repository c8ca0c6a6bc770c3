import { clearConnectionAlerts } from '../alert/connection-alerts.ts';
import { clearAlert } from '../alert/raise-alert.ts';
import type { EntityStore } from '../platform/entity-store.ts';
import { type Mailbox, synchronizedWorkloads } from './mailbox.ts';
import { rests } from './workload-state.ts';

const faultsOf = (mailbox: Mailbox): ReadonlySet<string> =>
  new Set(synchronizedWorkloads.flatMap((name) => mailbox.workloads[name].fault?.code ?? []));

const restsWholly = ({ workloads }: Mailbox): boolean => synchronizedWorkloads.every((name) => rests(workloads[name]));

/**
 * Clears the alerts of a mailbox that a person's change has made moot: of workloads that were turned off, or have to be
 * tested anew, no run will come that could do it.
 */
export const clearMootAlerts = async (
  store: EntityStore,
  organizationId: string,
  before: Mailbox,
  after: Mailbox,
  now: Date,
): Promise<void> => {
  if (restsWholly(after)) {
    if (restsWholly(before)) return;
    await clearConnectionAlerts(store, organizationId, after.id, { now });
    await clearAlert(store, organizationId, 'laneStalled', after.id, { now });
    return;
  }
  const standing = faultsOf(after);
  for (const code of faultsOf(before))
    if (!standing.has(code)) await clearAlert(store, organizationId, code, after.id, { now });
};
