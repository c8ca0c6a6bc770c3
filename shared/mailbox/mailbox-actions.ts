import { FaultError } from '../platform/fault.ts';
import { alignCycles } from './align-cycles.ts';
import { type Mailbox, synchronizedWorkloads, type WorkloadName } from './mailbox.ts';
import { changeMailbox, type MailboxContext } from './mailbox-context.ts';
import { transitionWorkloads } from './mailbox-edits.ts';
import { chosenWorkloads, requireApproval, requireComplete, requireMayRun } from './readiness.ts';
import { runs } from './workload-state.ts';

/** @throws FaultError invalidState */
export const requireAddress = (mailbox: Mailbox): void => {
  if (mailbox.emailAddress === null)
    throw new FaultError('invalidState', {
      detail: 'The mailbox has no address that could be decided about',
      fix: 'Set emailAddress first',
    });
};

/**
 * Decides about the address of a mailbox. A mailbox that is rejected while it runs is disabled.
 *
 * @throws FaultError notFound, versionMismatch, invalidState (it has no address)
 */
export const decideApproval = (
  context: MailboxContext,
  mailboxId: string,
  status: 'approved' | 'rejected',
  ifMatch: number | undefined,
): Promise<Mailbox> =>
  changeMailbox(context, mailboxId, ifMatch, async (mailbox) => {
    if (mailbox.approval.status === status) return { next: mailbox };
    requireAddress(mailbox);
    const approval = { status, by: context.author.actor.id, at: context.now().toISOString() };
    const decided = { ...mailbox, approval };
    return {
      next: status === 'rejected' ? transitionWorkloads(decided, { type: 'disable', by: 'admin' }) : decided,
    };
  });

/** Since when mail is pulled: the first time that incoming is enabled. */
const withStart = (mailbox: Mailbox, at: string): Mailbox =>
  mailbox.incomingSince === null ? { ...mailbox, incomingSince: at } : mailbox;

/**
 * The mailbox as enabling would make it.
 *
 * @throws FaultError as enableWorkloads
 */
export const requireEnableable = async (
  context: Pick<MailboxContext, 'store' | 'organization'>,
  mailbox: Mailbox,
  named: readonly WorkloadName[],
): Promise<{ readonly next: Mailbox; readonly serverProfileId: string }> => {
  await requireMayRun(context, mailbox);
  // What was never tested is refused for that first, whatever else is missing: the test asks for the rest.
  const next = transitionWorkloads(mailbox, { type: 'enable' }, chosenWorkloads(mailbox, named));
  requireApproval(context.organization, mailbox);
  const { id: serverProfileId } = await requireComplete(context, mailbox);
  return { next, serverProfileId };
};

/**
 * Enables workloads whose last test still stands. The cycles are started before the mailbox says so: should the call
 * end in between, asking again makes it good, and a cycle too many is put to rest; the other way round a workload
 * could be left enabled and without a timer.
 *
 * @throws FaultError notFound, versionMismatch, ownerInactive, channelIsEmailRouter, approvalRequired, testRequired,
 * testRunning, invalidState, notSupported
 */
export const enableWorkloads = async (
  context: MailboxContext,
  mailboxId: string,
  named: readonly WorkloadName[],
  ifMatch: number | undefined,
): Promise<Mailbox> => {
  const { cycles, organization, now } = context;
  const enable = (mailbox: Mailbox) => requireEnableable(context, mailbox, named);
  // A cycle must not run without knowing since when mail is pulled.
  const prepared = await changeMailbox(context, mailboxId, ifMatch, async (mailbox) => {
    const { next } = await enable(mailbox);
    return { next: runs(next.workloads.incoming.state) ? withStart(mailbox, now().toISOString()) : mailbox };
  });
  const { next, serverProfileId } = await enable(prepared);
  for (const name of synchronizedWorkloads)
    if (next.workloads[name] !== prepared.workloads[name])
      await cycles.enable(organization.id, mailboxId, name, serverProfileId);
  try {
    return await changeMailbox(
      context,
      mailboxId,
      ifMatch === undefined ? undefined : prepared.version,
      async (mailbox) => ({ next: (await enable(mailbox)).next }),
    );
  } catch (error) {
    await alignCycles(context, organization.id, mailboxId);
    throw error;
  }
};

/** @throws FaultError notFound, versionMismatch, invalidState, notSupported */
export const disableWorkloads = (
  context: MailboxContext,
  mailboxId: string,
  named: readonly WorkloadName[],
  ifMatch: number | undefined,
): Promise<Mailbox> =>
  changeMailbox(context, mailboxId, ifMatch, async (mailbox) => ({
    next: transitionWorkloads(mailbox, { type: 'disable', by: 'admin' }, chosenWorkloads(mailbox, named)),
  }));
