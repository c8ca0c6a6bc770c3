import type { Cycle } from '../cycle/cycle.ts';
import { cycleSchema } from '../cycle/cycle.ts';
import { bumpFeedEpoch } from '../feed/feed-epoch.ts';
import { organizationListingKind } from '../organization/organization-listing.ts';
import type { EntityStore } from '../platform/entity-store.ts';
import { rememberStored } from '../platform/keep-unknown-fields.ts';
import { deploymentScope } from '../platform/records-table.ts';
import { doubtSends } from './doubt-sends.ts';
import { rereadCursors } from './reread-cursors.ts';

export interface RecoveryDependencies {
  readonly store: EntityStore;
  /** Every item of the cycles table. */
  readonly cycles: AsyncIterable<Readonly<Record<string, unknown>>>;
  /** Puts a cycle in the place of the one that was read; false when that has moved on. */
  readonly replaceCycle: (before: Cycle, next: Cycle) => Promise<boolean>;
  readonly now: () => Date;
}

/** The moment to which each table was restored; undefined for one that was not. */
export interface RestoredTo {
  readonly records?: Date | undefined;
  readonly cycles?: Date | undefined;
}

export interface Recovery {
  /** What all cursors of the feed given out before answer from now on with `cursorExpired`; null when they still hold. */
  readonly feedEpoch: string | null;
  /** Sends that a person has to decide about. */
  readonly doubtedSends: number;
  /** Workloads that begin with a new generation, by the watchdog. */
  readonly restartedCycles: number;
}

/** For mail that stood unread for a while when the backup was made, and for clocks that differ. */
const marginMilliseconds = 24 * 3_600_000;
const parallelWrites = 20;
const pageSize = 200;

const listOrganizations = async function* (store: EntityStore): AsyncGenerator<string> {
  let after: Readonly<Record<string, unknown>> | undefined;
  do {
    const page = await store.list(organizationListingKind, deploymentScope, { limit: pageSize, after });
    for (const { id } of page.items) yield id;
    after = page.after;
  } while (after !== undefined);
};

/** The workload begins anew: a generation of the past would find its timers and messages of then in its way. Pure. */
const restartCycle = (cycle: Cycle, since: string, now: Date): Cycle => {
  const { waitsUntil: _waitsUntil, marker: _marker, ...kept } = cycle;
  return {
    ...kept,
    generation: Math.max(cycle.generation + 1, Math.floor(now.getTime() / 1000)),
    due: cycle.enabled ? now.getTime() : null,
    cursors: rereadCursors(cycle.cursors, since),
  };
};

/** Tells readers of the feed to walk the snapshot, and puts in doubt what may have gone out since. */
const recoverRecords = async (
  store: EntityStore,
  restoredTo: Date,
  now: () => Date,
): Promise<Pick<Recovery, 'feedEpoch' | 'doubtedSends'>> => {
  const feedEpoch = await bumpFeedEpoch(store.table, now());
  let doubtedSends = 0;
  for await (const id of listOrganizations(store)) doubtedSends += await doubtSends(store.table, id, restoredTo, now());
  return { feedEpoch, doubtedSends };
};

/**
 * Brings a deployment whose tables, or one of them, were restored from a backup in line with the world, which has gone
 * on. Whoever reads the feed is told to walk the snapshot; Sends that may have gone out are put in doubt; mail that came
 * since is read again and recognised where it is known. Can be repeated after it was broken off. The lanes are to rest
 * meanwhile.
 */
export const recoverFromBackup = async (
  { store, cycles, replaceCycle, now }: RecoveryDependencies,
  restoredTo: RestoredTo,
): Promise<Recovery> => {
  const { records } = restoredTo;
  // Records that were not restored know what went out and what readers of the feed have seen.
  const recovered =
    records === undefined ? { feedEpoch: null, doubtedSends: 0 } : await recoverRecords(store, records, now);

  const moments = [records, restoredTo.cycles].flatMap((moment) => (moment === undefined ? [] : [moment.getTime()]));
  const since = new Date(Math.min(...moments) - marginMilliseconds).toISOString();
  let restartedCycles = 0;
  const restart = async (cycle: Cycle): Promise<void> => {
    if (await replaceCycle(cycle, restartCycle(cycle, since, now()))) restartedCycles += 1;
  };
  let pending: Promise<void>[] = [];
  for await (const item of cycles) {
    // One that cannot be read is rebuilt by the watchdog.
    const cycle = cycleSchema.safeParse(item);
    if (!cycle.success) continue;
    pending.push(restart(rememberStored(cycle.data, item)));
    if (pending.length < parallelWrites) continue;
    await Promise.all(pending);
    pending = [];
  }
  await Promise.all(pending);
  return { ...recovered, restartedCycles };
};
