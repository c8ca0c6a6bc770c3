import type { SynchronizedWorkload } from '../mailbox/mailbox.ts';
import type { Cycle } from './cycle.ts';

/**
 * What the rest of the system may do to cycles. Every call can be repeated safely, and each leaves `due` such that
 * the watchdog finishes what a crash left half done.
 */
export interface CycleControl {
  /** Strong read of both cycles of a mailbox, without one that cannot be read: the watchdog rebuilds it. */
  read(organizationId: string, mailboxId: string): Promise<Partial<Record<SynchronizedWorkload, Cycle>>>;
  /** Enables (or enables again) a workload: a new generation, due now, sent to its lane. */
  enable(
    organizationId: string,
    mailboxId: string,
    workload: SynchronizedWorkload,
    serverProfileId: string,
  ): Promise<void>;
  /**
   * Puts a cycle that begins anew, due now, in the place of an item that cannot be read (half restored, edited by hand);
   * `anew` undefined: nothing, since it should not run. One that can be read stays; false when it stays. It is one write,
   * so that no crash leaves a mailbox without its cycle.
   */
  replaceUnreadable(
    organizationId: string,
    mailboxId: string,
    workload: SynchronizedWorkload,
    anew: { readonly serverProfileId: string; readonly probing: boolean } | undefined,
  ): Promise<boolean>;
  /** Fences a running cycle off and leaves no timer. */
  disable(organizationId: string, mailboxId: string, workload: SynchronizedWorkload): Promise<void>;
  /** Something new waits: the lane looks now. A cycle that is not enabled is left alone. */
  wake(organizationId: string, mailboxId: string, workload: SynchronizedWorkload): Promise<void>;
  /** After a stop that left cycles as they were (a suspended organization): both workloads go on where enabled. */
  resume(organizationId: string, mailboxId: string): Promise<void>;
  /** The next run that begins from now on reports to the operation; it begins at once. */
  synchronize(
    organizationId: string,
    mailboxId: string,
    workloads: readonly SynchronizedWorkload[],
    operationId: string,
  ): Promise<void>;
}
