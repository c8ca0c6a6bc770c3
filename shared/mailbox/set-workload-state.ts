import { type Author, systemAuthor } from '../platform/change.ts';
import type { EntityStore } from '../platform/entity-store.ts';
import { FaultError } from '../platform/fault.ts';
import { type Mailbox, mailboxKind, type SynchronizedWorkload } from './mailbox.ts';
import { mailboxChanges } from './mailbox-changes.ts';
import { applyTransition, type WorkloadTransition } from './workload-state.ts';

/**
 * What a lane's run makes of a workload: `retry`, `giveUp`, `probe`, `succeed`, or `disable` by profile or channel.
 * Nothing is written when nothing changes, or when the workload has been changed meanwhile so that the outcome of the
 * run does not concern it any more. The cycle itself is left to the caller.
 *
 * @returns the mailbox as it now stands; undefined when there is none
 */
export const setWorkloadState = async (
  store: EntityStore,
  organizationId: string,
  mailboxId: string,
  workload: SynchronizedWorkload,
  transition: WorkloadTransition,
  options: { readonly now: Date; readonly author?: Author },
): Promise<Mailbox | undefined> => {
  try {
    return await store.update(
      mailboxKind,
      organizationId,
      mailboxId,
      (mailbox) => {
        const present = mailbox.workloads[workload];
        const changed = applyTransition(present, transition);
        if (changed === present) return undefined;
        const next = { ...mailbox, workloads: { ...mailbox.workloads, [workload]: changed } };
        return { next, changes: mailboxChanges(mailbox, next, options.author ?? systemAuthor, options.now) };
      },
      { now: () => options.now },
    );
  } catch (error) {
    if (error instanceof FaultError && error.fault.code === 'notFound') return undefined;
    throw error;
  }
};
