import type { ContentStore } from '../platform/content-store.ts';
import type { EntityStore } from '../platform/entity-store.ts';
import { organizationKinds, type RecordKind } from '../platform/record-kinds.ts';
import { partition, recordKey } from '../platform/records-table.ts';
import { markErasing } from './begin-erasure.ts';
import type { OrganizationCycles } from './erase-cycles.ts';
import { organizationKind } from './organization.ts';
import { listingRemovals } from './organization-listing.ts';

export interface ErasureDependencies {
  readonly store: EntityStore;
  readonly content: ContentStore;
  readonly organizationCycles: OrganizationCycles;
  readonly now: () => Date;
}

export interface ErasureOutcome {
  /** False: call again, at once when the deadline has passed, else when the runs in flight have ended. */
  readonly done: boolean;
  /** What this call removed, by kind of item; `content` counts stored objects, `cycle` items of the cycles table. */
  readonly removed: Readonly<Record<string, number>>;
}

class DeadlinePassed extends Error {}

const deletedAtOnce = 25;

/**
 * Removes everything that belongs to an organization. It may end anywhere and is then called again: each step finds
 * what is left, and what a later step needs to find its way goes last. The order: no key opens anything, no run begins
 * any more, and the salt is gone without which none of its secrets can ever be opened; the runs in flight end;
 * everything goes; a second look takes what they wrote meanwhile; the organization itself goes.
 *
 * @param deadline epoch milliseconds at which to stop and be called again
 */
export const eraseOrganization = async (
  { store, content, organizationCycles, now }: ErasureDependencies,
  organizationId: string,
  deadline: number = Number.POSITIVE_INFINITY,
): Promise<ErasureOutcome> => {
  const removed: Record<string, number> = {};
  const count = (kind: string, number: number): void => {
    if (number > 0) removed[kind] = (removed[kind] ?? 0) + number;
  };
  const checkDeadline = (): void => {
    if (now().getTime() >= deadline) throw new DeadlinePassed();
  };

  const sweep = async (kind: RecordKind): Promise<void> => {
    for (;;) {
      checkDeadline();
      const { items } = await store.table.query({ pk: partition(organizationId, kind), limit: deletedAtOnce });
      if (items.length === 0) return;
      await Promise.all(items.map(({ pk, sk }) => store.table.write([{ remove: { pk, sk } }])));
      count(kind, items.length);
    }
  };

  const sweepAll = async (): Promise<void> => {
    count('cycle', await organizationCycles.removeAll(organizationId, checkDeadline));
    for (const kind of organizationKinds) await sweep(kind);
    checkDeadline();
    count('content', await content.removeAll(`${organizationId}/`));
  };

  try {
    await markErasing({ store, now }, organizationId);
    const stopped = await organizationCycles.stop(organizationId, checkDeadline);
    count('cycle', stopped.removed);
    if (stopped.underWay > 0) return { done: false, removed };
    await sweepAll();
    await sweepAll();
    const organization = await store.get(organizationKind, organizationId, organizationId);
    if (organization !== undefined)
      await store.table.write([
        { remove: recordKey(organizationId, organizationKind.kind, organizationId) },
        ...listingRemovals(organizationId, organization.externalId),
      ]);
    return { done: true, removed };
  } catch (error) {
    if (error instanceof DeadlinePassed) return { done: false, removed };
    throw error;
  }
};
