import type { CycleControl } from '../cycle/cycle-control.ts';
import type { EntityStore } from '../platform/entity-store.ts';
import { type Mailbox, mailboxKind, synchronizedWorkloads } from './mailbox.ts';
import { rests, runs } from './workload-state.ts';

export interface CycleDependencies {
  readonly store: EntityStore;
  readonly cycles: CycleControl;
}

const alignOnce = async (cycles: CycleControl, organizationId: string, mailbox: Mailbox): Promise<void> => {
  const present = await cycles.read(organizationId, mailbox.id);
  for (const name of synchronizedWorkloads) {
    const workload = mailbox.workloads[name];
    const cycle = present[name];
    const { serverProfileId } = mailbox;
    if (runs(workload.state) && serverProfileId !== null) {
      const probesOnly = workload.state === 'enabled' && cycle?.probing === true;
      if (cycle?.enabled !== true || cycle.serverProfileId !== serverProfileId || probesOnly)
        await cycles.enable(organizationId, mailbox.id, name, serverProfileId);
    } else if (rests(workload) && cycle?.enabled === true) await cycles.disable(organizationId, mailbox.id, name);
  }
};

/**
 * Makes the cycles of a mailbox what the states of its workloads say. They stand in two tables, so whoever writes the
 * states calls this afterwards, also when nothing was written: that is how a repeated request makes good what a crash
 * left undone. If somebody else changes the mailbox meanwhile it looks again, so the last state always wins.
 *
 * @returns the mailbox that the cycles now agree with
 */
export const alignCycles = async (
  { store, cycles }: CycleDependencies,
  organizationId: string,
  mailboxId: string,
): Promise<Mailbox | undefined> => {
  for (;;) {
    const mailbox = await store.get(mailboxKind, organizationId, mailboxId);
    if (mailbox === undefined) return undefined;
    await alignOnce(cycles, organizationId, mailbox);
    const after = await store.get(mailboxKind, organizationId, mailboxId);
    if (after?.version === mailbox.version) return mailbox;
  }
};
