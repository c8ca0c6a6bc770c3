import type { LaneServices } from '../../../functions/common/create-lane-services.ts';
import type { WorkloadRun } from '../../../shared/cycle/workload.ts';
import type { SendingOrganization } from './sending-world.ts';

/** A run of the sender's outgoing workload that believes to be the only one. */
export const beginRun = async (services: LaneServices, { id, sender }: SendingOrganization): Promise<WorkloadRun> => {
  const organization = await services.loader.organization(id);
  const context =
    organization === undefined ? undefined : await services.loader.context(organization, sender.mailboxId, true);
  const cycle = await services.cycleStore.read(id, sender.mailboxId, 'outgoing');
  if (organization === undefined || context === undefined || cycle === undefined) throw new Error('Nothing to run');
  return {
    organization,
    mailbox: context.mailbox,
    serverProfile: context.serverProfile,
    credentials: await context.openCredentials(),
    cycle,
    deadline: Date.now() + 20_000,
    careful: undefined,
    now: services.now,
    saveCursor: async () => undefined,
  };
};
