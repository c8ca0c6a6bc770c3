import { raiseAlert } from '../alert/raise-alert.ts';
import type { CycleName } from '../cycle/cycle-key.ts';
import { createFault } from '../platform/fault.ts';
import { alignCycles, type CycleDependencies } from './align-cycles.ts';

/**
 * Replaces the item of a cycle that cannot be read by a new one, where the mailbox says that it runs. What had been read
 * of the mailbox is lost with it: it is read anew, and mail that is known is recognised.
 */
export const rebuildCycle = async (
  { store, cycles, now }: CycleDependencies & { readonly now: () => Date },
  { organizationId, mailboxId, workload }: CycleName,
): Promise<void> => {
  if (!(await cycles.discardUnreadable(organizationId, mailboxId, workload))) return;
  const mailbox = await alignCycles({ store, cycles }, organizationId, mailboxId);
  if (mailbox === undefined) return;
  await raiseAlert(store, {
    organizationId,
    level: 'warning',
    scope: 'mailbox',
    fault: createFault('cycleRebuilt', { detail: `The cycle of the workload ${workload} could not be read` }),
    subject: { type: 'mailbox', id: mailboxId },
    mailboxId,
    now: now(),
  });
};
