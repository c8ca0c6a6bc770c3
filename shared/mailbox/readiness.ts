import type { Organization } from '../organization/organization.ts';
import type { EntityStore } from '../platform/entity-store.ts';
import { FaultError } from '../platform/fault.ts';
import { type ServerProfile, serverProfileKind } from '../server-profile/server-profile.ts';
import { withinTimeout } from '../server-profile/within-timeout.ts';
import { type Mailbox, type SynchronizedWorkload, synchronizedWorkloads, type WorkloadName } from './mailbox.ts';
import { refuseRetired } from './mailbox-context.ts';
import { loadMailboxOwner } from './mailbox-owner.ts';

/** @throws FaultError ownerInactive, channelIsEmailRouter, invalidState */
export const requireMayRun = async (
  { store, organization }: { readonly store: EntityStore; readonly organization: Organization },
  mailbox: Mailbox,
): Promise<void> => {
  refuseRetired(mailbox);
  const owner = await loadMailboxOwner(store, organization.id, mailbox);
  if (owner !== undefined && !owner.isActive) throw new FaultError('ownerInactive');
  if (organization.settings.processing.channel === 'emailRouter') throw new FaultError('channelIsEmailRouter');
};

/** @throws FaultError approvalRequired */
export const requireApproval = (organization: Organization, mailbox: Mailbox): void => {
  const { requireForUsers, requireForQueues } = organization.settings.approval;
  const needed = mailbox.kind === 'queue' ? requireForQueues : requireForUsers;
  if (needed && mailbox.approval.status !== 'approved') throw new FaultError('approvalRequired');
};

const incomplete = (detail: string, fix: string): FaultError => new FaultError('invalidState', { detail, fix });

/** The profile and address that every connection needs. @throws FaultError invalidState */
export const requireComplete = async (
  { store, organization }: { readonly store: EntityStore; readonly organization: Organization },
  mailbox: Mailbox,
): Promise<ServerProfile> => {
  if (mailbox.emailAddress === null) throw incomplete('The mailbox has no address', 'Set emailAddress first');
  const profile =
    mailbox.serverProfileId === null
      ? undefined
      : await store.get(serverProfileKind, organization.id, mailbox.serverProfileId);
  if (profile === undefined) throw incomplete('The mailbox has no server profile', 'Set serverProfileId first');
  if (profile.status === 'inactive')
    throw incomplete('The server profile is inactive', 'Set its status to active, or use another profile');
  return withinTimeout(organization, profile);
};

/**
 * The workloads that an action is meant for: those named, else all whose method is serverSideSync.
 *
 * @throws FaultError notSupported, for ACT; invalidState, when there is none
 */
export const chosenWorkloads = (
  mailbox: Mailbox,
  named: readonly WorkloadName[] | undefined,
): readonly SynchronizedWorkload[] => {
  if (named?.includes('act') === true)
    throw new FaultError('notSupported', {
      detail: 'Servers of this kind have no appointments, contacts and tasks',
      errors: [{ pointer: '#/workloads', code: 'notSupported', detail: 'act has no lane here' }],
    });
  const chosen = synchronizedWorkloads.filter((name) =>
    named === undefined ? mailbox.workloads[name].method === 'serverSideSync' : named.includes(name),
  );
  if (chosen.length === 0)
    throw incomplete('No workload of the mailbox has the method serverSideSync', 'Set a method first');
  return chosen;
};
