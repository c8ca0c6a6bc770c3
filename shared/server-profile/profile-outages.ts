import { clearAlert, listAlerted, raiseAlert } from '../alert/raise-alert.ts';
import type { Cycle } from '../cycle/cycle.ts';
import { failedSince } from '../cycle/failed-since.ts';
import { userKind } from '../owner/owner.ts';
import type { EntityStore } from '../platform/entity-store.ts';
import { createFault } from '../platform/fault.ts';
import { forEachParallel } from '../platform/for-each-parallel.ts';
import { type ServerProfile, serverProfileKind } from './server-profile.ts';

/** How many mailboxes of a profile there are, and how many of them failed within the last hour. */
export interface ProfileTally {
  readonly organizationId: string;
  readonly serverProfileId: string;
  readonly mailboxes: number;
  readonly failing: number;
}

const hourMilliseconds = 3_600_000;
const reportsAtOnce = 20;

/** Counts the mailboxes of every profile from their cycles, in whatever order these come. */
export const createProfileTallies = (now: number) => {
  const found = new Map<
    string,
    { organizationId: string; serverProfileId: string; mailboxes: Set<string>; failing: Set<string> }
  >();
  const organizations = new Set<string>();
  return {
    add: (cycle: Cycle): void => {
      organizations.add(cycle.organizationId);
      // Of those at rest only what errors turned off counts: people have turned off the others.
      if (!cycle.enabled && cycle.reason !== 'disabled') return;
      const { organizationId, serverProfileId, mailboxId } = cycle;
      const key = `${organizationId}#${serverProfileId}`;
      const tally = found.get(key) ?? { organizationId, serverProfileId, mailboxes: new Set(), failing: new Set() };
      found.set(key, tally);
      tally.mailboxes.add(mailboxId);
      if (failedSince(cycle, now - hourMilliseconds)) tally.failing.add(mailboxId);
    },
    list: (): readonly ProfileTally[] =>
      [...found.values()].map((tally) => ({
        ...tally,
        mailboxes: tally.mailboxes.size,
        failing: tally.failing.size,
      })),
    /** All whose cycles were seen, those at rest included. */
    organizations: (): ReadonlySet<string> => organizations,
  };
};

const isFailing = ({ mailboxes, failing }: ProfileTally): boolean => failing * 2 > mailboxes;

/** Fewer mailboxes than this are no reason to call the operator: their own alerts tell enough. */
const outageMailboxes = 5;

/** A failing profile that concerns the operator, too. */
export const isOutage = (tally: ProfileTally): boolean => tally.mailboxes >= outageMailboxes && isFailing(tally);

/** The mailbox in which the owner of a profile sees alerts, if the owner wants to be told. */
const ownersMailbox = async (
  store: EntityStore,
  organizationId: string,
  { alertOwnerOnOutage, ownerId }: ServerProfile,
): Promise<string | undefined> => {
  if (!alertOwnerOnOutage || ownerId === null) return undefined;
  // A team has no mailbox; whoever administers the organization sees the alert all the same.
  return ownerId.startsWith(userKind.prefix)
    ? (await store.get(userKind, organizationId, ownerId))?.mailboxId
    : undefined;
};

const raise = async (store: EntityStore, tally: ProfileTally, now: Date): Promise<void> => {
  const { organizationId, serverProfileId, mailboxes, failing } = tally;
  const profile = await store.get(serverProfileKind, organizationId, serverProfileId);
  if (profile === undefined) return;
  await raiseAlert(store, {
    organizationId,
    level: 'error',
    scope: 'profile',
    fault: createFault('profileFailing', {
      detail: `${failing} of ${mailboxes} mailboxes of the profile failed within the last hour`,
    }),
    subject: { type: serverProfileKind.kind, id: serverProfileId },
    mailboxId: await ownersMailbox(store, organizationId, profile),
    now,
  });
};

/**
 * Tells administrators, and owners who want it, of profiles most of whose mailboxes fail, and when that is over: also by
 * all of a profile's mailboxes having been turned off or moved to another one.
 */
export const reportProfileOutages = async (
  store: EntityStore,
  tallies: Pick<ReturnType<typeof createProfileTallies>, 'list' | 'organizations'>,
  { now, onError }: { readonly now: Date; readonly onError: (error: unknown) => void },
): Promise<void> => {
  const guard = async (work: () => Promise<void>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      onError(error);
    }
  };
  const failing = tallies.list().filter(isFailing);
  const stillFailing = new Set(failing.map(({ serverProfileId }) => serverProfileId));
  await forEachParallel(failing, reportsAtOnce, (tally) => guard(() => raise(store, tally, now)));
  await forEachParallel(tallies.organizations(), reportsAtOnce, (organizationId) =>
    guard(async () => {
      for (const id of await listAlerted(store, organizationId, 'profileFailing'))
        if (!stillFailing.has(id)) await clearAlert(store, organizationId, 'profileFailing', id, { now });
    }),
  );
};
