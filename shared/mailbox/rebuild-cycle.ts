import { raiseAlert } from '../alert/raise-alert.ts';
import type { CycleName } from '../cycle/cycle-key.ts';
import { createFault } from '../platform/fault.ts';
import { alignCycles, type CycleDependencies } from './align-cycles.ts';
import { mailboxKind } from './mailbox.ts';
import { rests, runs } from './workload-state.ts';

/**
 * Replaces the item of a cycle that cannot be read by a new one, where the mailbox says that it runs. What had been read
 * of the mailbox is lost with it: it is read anew, and mail that is known is recognised.
 */
export const rebuildCycle = async (
  { store, cycles, now }: CycleDependencies & { readonly now: () => Date },
  { organizationId, mailboxId, workload: name }: CycleName,
): Promise<void> => {
  const mailbox = await store.get(mailboxKind, organizationId, mailboxId);
  const workload = mailbox?.workloads[name];
  const serverProfileId = mailbox?.serverProfileId ?? null;
  const anew =
    workload === undefined || serverProfileId === null || rests(workload)
      ? undefined
      : { serverProfileId, probing: !runs(workload.state) };
  if (!(await cycles.replaceUnreadable(organizationId, mailboxId, name, anew)) || mailbox === undefined) return;
  await raiseAlert(store, {
    organizationId,
    level: 'warning',
    scope: 'mailbox',
    fault: createFault('cycleRebuilt', { detail: `The cycle of the workload ${name} could not be read` }),
    subject: { type: 'mailbox', id: mailboxId },
    mailboxId,
    now: now(),
  });
  // The mailbox may have been changed meanwhile.
  await alignCycles({ store, cycles }, organizationId, mailboxId);
};
