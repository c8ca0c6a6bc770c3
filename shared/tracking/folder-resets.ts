import { clearAlert, raiseAlert } from '../alert/raise-alert.ts';
import type { FolderCursor } from '../cycle/cycle.ts';
import type { WorkloadRun } from '../cycle/workload.ts';
import type { EntityStore } from '../platform/entity-store.ts';
import { createFault } from '../platform/fault.ts';
import { TransportError } from '../transport/transport-error.ts';

type ResetRun = Pick<WorkloadRun, 'organization' | 'mailbox' | 'now'>;

const mostResets = 5;

const describeReset = (path: string, before: FolderCursor | undefined, after: FolderCursor): string =>
  before?.uidValidity === after.uidValidity
    ? `${path} gives UIDs again: its UIDNEXT went back below ${Math.max(before.uidNext ?? 0, before.lastUid + 1)}`
    : `${path} has UIDVALIDITY ${after.uidValidity}; it had ${before?.uidValidity}`;

/** Tells that the messages of a folder have got other UIDs, so that it is read anew. */
export const tellReset = async (
  store: EntityStore,
  { organization, mailbox, now }: ResetRun,
  path: string,
  before: FolderCursor | undefined,
  after: FolderCursor,
): Promise<void> => {
  if (after.resets > mostResets) return;
  await raiseAlert(store, {
    organizationId: organization.id,
    level: 'warning',
    scope: 'mailbox',
    fault: createFault('uidValidityChanged', { detail: describeReset(path, before, after) }),
    subject: { type: 'mailbox', id: mailbox.id },
    mailboxId: mailbox.id,
    now: now(),
  });
};

/** @throws TransportError uidValidityUnstable when its UIDs changed again and again */
export const refuseUnstable = (path: string, before: FolderCursor | undefined, after: FolderCursor): void => {
  if (after.resets <= mostResets) return;
  const detail = describeReset(path, before, after);
  throw new TransportError('uidValidityUnstable', { class: 'permanent', level: 'mailbox', detail });
};

/** Its UIDs are those of the last time again. */
export const tellStable = (store: EntityStore, { organization, mailbox, now }: ResetRun): Promise<void> =>
  clearAlert(store, organization.id, 'uidValidityChanged', mailbox.id, { now: now() });
