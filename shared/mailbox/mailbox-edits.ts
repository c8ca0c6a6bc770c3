import type { Settings } from '../organization/settings.ts';
import { normalizeAddress } from '../platform/address.ts';
import { createIdentifier } from '../platform/identifier.ts';
import { loginName } from './login-name.ts';
import { type Mailbox, mailboxKind, type Workload, type WorkloadName, workloadNames } from './mailbox.ts';
import { applyTransition, type WorkloadTransition } from './workload-state.ts';

/** The mailbox with a transition applied to some of its workloads, or to all. The same object when nothing changes. */
export const transitionWorkloads = (
  mailbox: Mailbox,
  transition: WorkloadTransition,
  names: readonly WorkloadName[] = workloadNames,
): Mailbox => {
  const changed = names.filter(
    (name) => applyTransition(mailbox.workloads[name], transition) !== mailbox.workloads[name],
  );
  if (changed.length === 0) return mailbox;
  const workloads = Object.fromEntries(
    changed.map((name) => [name, applyTransition(mailbox.workloads[name], transition)]),
  );
  return { ...mailbox, workloads: { ...mailbox.workloads, ...workloads } };
};

const unapproved = (address: string | null): Mailbox['approval'] => ({
  status: address === null ? 'empty' : 'pending',
  by: null,
  at: null,
});

export const isSameAddress = (one: string | null, other: string | null): boolean =>
  one === null || other === null ? one === other : normalizeAddress(one) === normalizeAddress(other);

/**
 * Another address needs another approval, another sign-in and another test; the same one written otherwise does not.
 */
export const setAddress = (mailbox: Mailbox, address: string | null): Mailbox => {
  if (mailbox.emailAddress === address) return mailbox;
  if (isSameAddress(mailbox.emailAddress, address)) return { ...mailbox, emailAddress: address };
  return transitionWorkloads(
    { ...mailbox, emailAddress: address, approval: unapproved(address), oauth: null },
    { type: 'invalidateTest' },
  );
};

export const setServerProfile = (mailbox: Mailbox, serverProfileId: string | null): Mailbox =>
  mailbox.serverProfileId === serverProfileId
    ? mailbox
    : transitionWorkloads({ ...mailbox, serverProfileId }, { type: 'invalidateTest' });

/** Another login needs another test; another password of the same login is simply used from the next cycle on. */
export const setCredentials = (mailbox: Mailbox, credentials: Mailbox['credentials']): Mailbox => {
  const next = { ...mailbox, credentials };
  return loginName(mailbox) === loginName(next) ? next : transitionWorkloads(next, { type: 'invalidateTest' });
};

/** What the mailbox loses when another one takes its address or login over. Its emails stay. */
export const dispossess = (mailbox: Mailbox): Mailbox =>
  transitionWorkloads(
    {
      ...setAddress(mailbox, null),
      credentials: { username: null, password: null },
      synchronizingClient: null,
    },
    { type: 'disable', by: 'takeover' },
  );

/** The mailbox of an owner that is gone: it keeps its emails and does nothing any more. */
export const retire = (mailbox: Mailbox): Mailbox => ({
  ...transitionWorkloads(setAddress(mailbox, null), { type: 'setMethod', method: 'none' }),
  serverProfileId: null,
  credentials: { username: null, password: null },
  synchronizingClient: null,
  retired: true,
});

const newWorkload = (method: Workload['method']): Workload =>
  applyTransition(
    {
      method: 'none',
      state: 'off',
      mode: 'active',
      lastTest: null,
      testStands: false,
      disabledBy: null,
      fault: null,
    },
    { type: 'setMethod', method },
  );

/** A mailbox as it begins. */
export const newMailbox = (options: {
  readonly id?: string;
  readonly kind: Mailbox['kind'];
  /** The user or queue; null for a mailbox that others forward to. */
  readonly ownerId: string | null;
  readonly emailAddress: string | null;
  readonly serverProfileId: string | null;
  readonly defaults: Pick<Settings['newMailboxes'], 'incoming' | 'outgoing'>;
  readonly now: Date;
}): Mailbox => ({
  id: options.id ?? createIdentifier(mailboxKind.prefix, options.now.getTime()),
  version: 1,
  createdAt: options.now.toISOString(),
  updatedAt: options.now.toISOString(),
  kind: options.kind,
  ownerId: options.ownerId,
  emailAddress: options.emailAddress,
  serverProfileId: options.serverProfileId,
  approval: unapproved(options.emailAddress),
  processEmailFrom: null,
  incomingSince: null,
  deleteAfterProcessing: false,
  credentials: { username: null, password: null },
  oauth: null,
  workloads: {
    incoming: newWorkload(options.defaults.incoming),
    outgoing: newWorkload(options.defaults.outgoing),
    act: newWorkload('none'),
  },
  folderRules: [],
  synchronizingClient: null,
  retired: false,
});
