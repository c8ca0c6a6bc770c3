import { FaultError } from '../platform/fault.ts';
import type { SecretVault } from '../platform/secrets.ts';
import { refuseField } from '../platform/validate.ts';
import type { SealedSecret } from '../platform/values.ts';
import { serverProfileKind } from '../server-profile/server-profile.ts';
import { refuseBeyondEmail } from './beyond-email.ts';
import { mailboxPasswordPlace } from './credentials.ts';
import type { Mailbox, Workload, WorkloadName } from './mailbox.ts';
import { changeMailbox, type MailboxContext } from './mailbox-context.ts';
import { setAddress, setCredentials, setServerProfile, transitionWorkloads } from './mailbox-edits.ts';
import type { MailboxPatch } from './mailbox-input.ts';
import { loadMailboxOwner } from './mailbox-owner.ts';
import { usesClient } from './synchronizing-client.ts';
import { type Claim, claimAddress } from './takeover.ts';

export interface PatchContext extends MailboxContext {
  readonly vault: SecretVault;
}

const notSupported = (pointer: string, detail: string): FaultError =>
  new FaultError('notSupported', { detail, errors: [{ pointer, code: 'notSupported', detail }] });

/** @throws FaultError notSupported */
export const refuseUnsupported = (mailbox: Mailbox, patch: MailboxPatch): void => {
  const { incoming, outgoing, act } = patch.workloads ?? {};
  if (mailbox.kind === 'forward' && (incoming?.method === 'forward' || incoming?.method === 'client'))
    throw notSupported('#/workloads/incoming/method', 'A forward mailbox is read here, or not at all');
  if (mailbox.kind === 'forward' && (outgoing?.method ?? 'none') !== 'none')
    throw notSupported('#/workloads/outgoing/method', 'A forward mailbox sends nothing');
  if (act?.method === 'serverSideSync' || (act?.method === 'client' && mailbox.kind !== 'user'))
    throw notSupported(
      '#/workloads/act/method',
      mailbox.kind === 'user'
        ? 'Servers of this kind have no appointments, contacts and tasks'
        : 'Only mailboxes of users have more than email',
    );
  if (patch.deleteAfterProcessing === true && mailbox.kind === 'user')
    throw notSupported('#/deleteAfterProcessing', "Mail in a user's mailbox is never deleted");
};

export const requireProfile = async ({ store, organization }: MailboxContext, id: string | null): Promise<void> => {
  if (id !== null && (await store.get(serverProfileKind, organization.id, id)) === undefined)
    throw refuseField('#/serverProfileId', 'notFound', `There is no server profile ${id}`);
};

/** Gives back the same seal for the same password, so that setting it again changes nothing. */
const sealPassword = async (
  { vault, organization, now }: PatchContext,
  mailbox: Mailbox,
  password: string | null | undefined,
): Promise<SealedSecret | null> => {
  const present = mailbox.credentials.password;
  if (password === undefined) return present;
  if (password === null) return null;
  const place = mailboxPasswordPlace(organization, mailbox.id);
  if (present !== null && (await vault.open(place, present)) === password) return present;
  return vault.seal(place, password, now());
};

const applyCredentials = async (context: PatchContext, mailbox: Mailbox, patch: MailboxPatch): Promise<Mailbox> => {
  const { credentials } = patch;
  if (credentials === undefined) return mailbox;
  const username = credentials === null ? null : credentials.username;
  return setCredentials(mailbox, {
    username: username === undefined ? mailbox.credentials.username : username,
    password: await sealPassword(context, mailbox, credentials === null ? null : credentials.password),
  });
};

interface WorkloadPatch {
  readonly method?: Workload['method'] | null | undefined;
  readonly mode?: Workload['mode'] | null | undefined;
}

const reset: WorkloadPatch = { method: null, mode: null };

/** What is asked of one workload: null in its place, or in that of all of them, asks for every default. */
const workloadPatchOf = ({ workloads }: MailboxPatch, name: WorkloadName): WorkloadPatch | undefined => {
  const patch = workloads === null ? null : workloads?.[name];
  return patch === null ? reset : patch;
};

const applyWorkload = (mailbox: Mailbox, name: WorkloadName, patch: WorkloadPatch | undefined): Mailbox => {
  if (patch === undefined) return mailbox;
  const switched =
    patch.method === undefined
      ? mailbox
      : transitionWorkloads(mailbox, { type: 'setMethod', method: patch.method ?? 'none' }, [name]);
  if (patch.mode === undefined) return switched;
  const workload = { ...switched.workloads[name], mode: patch.mode ?? ('active' as const) };
  return { ...switched, workloads: { ...switched.workloads, [name]: workload } };
};

export const applyPatch = async (context: PatchContext, mailbox: Mailbox, patch: MailboxPatch): Promise<Mailbox> => {
  let next = await applyCredentials(context, mailbox, patch);
  if (patch.emailAddress !== undefined) next = setAddress(next, patch.emailAddress);
  if (patch.serverProfileId !== undefined) next = setServerProfile(next, patch.serverProfileId);
  if (patch.processEmailFrom !== undefined) next = { ...next, processEmailFrom: patch.processEmailFrom };
  if (patch.deleteAfterProcessing !== undefined)
    next = { ...next, deleteAfterProcessing: patch.deleteAfterProcessing ?? false };
  for (const name of ['incoming', 'outgoing', 'act'] as const)
    next = applyWorkload(next, name, workloadPatchOf(patch, name));
  return usesClient(next) ? next : { ...next, synchronizingClient: null };
};

/** The address goes to the owner, too, and away from whoever had it. */
const claimNewAddress = async (context: PatchContext, mailbox: Mailbox, patch: MailboxPatch): Promise<Claim> => {
  const { store, organization, author, now } = context;
  if (patch.emailAddress === undefined || patch.emailAddress === mailbox.emailAddress) return { writes: [] };
  const owner = await loadMailboxOwner(store, organization.id, mailbox);
  const claim = await claimAddress(
    { store, organizationId: organization.id, author, now: now() },
    mailbox.id,
    mailbox.emailAddress,
    patch.emailAddress,
    patch.confirmTakeoverFrom,
  );
  return { ...claim, writes: [...claim.writes, ...(owner?.addressWrites(patch.emailAddress, now()) ?? [])] };
};

/**
 * Changes a mailbox. Another address, profile or login ends what runs until the next test; another password is used by
 * the next cycle.
 *
 * @throws FaultError notFound, versionMismatch, invalidState, invalidRequest, notSupported, mailboxAlreadyMapped
 */
export const patchMailbox = async (
  context: PatchContext,
  mailboxId: string,
  patch: MailboxPatch,
  ifMatch: number | undefined,
): Promise<Mailbox> =>
  changeMailbox(context, mailboxId, ifMatch, async (mailbox) => {
    refuseUnsupported(mailbox, patch);
    await requireProfile(context, patch.serverProfileId ?? null);
    const next = await applyPatch(context, mailbox, patch);
    await refuseBeyondEmail(context, next);
    return { next, claim: await claimNewAddress(context, mailbox, patch) };
  });
