import type { Settings } from '../organization/settings.ts';
import { type Filtering, type Queue, queueKind, type User, userKind } from '../owner/owner.ts';
import type { EntityStore } from '../platform/entity-store.ts';
import type { Reference } from '../platform/values.ts';

/** A user or queue as far as tracking is concerned. */
export interface TrackingOwner {
  readonly type: 'user' | 'queue';
  readonly id: string;
  readonly externalId: string | null;
  readonly name: string;
  readonly active: boolean;
  /** With the organization's default and override worked in. */
  readonly filtering: Filtering;
  /** The user or team that email of this owner belongs to; null when nobody may own it. */
  readonly emailOwner: Reference | null;
  /** Whether unknown senders become records; null: as the organization says. */
  readonly autoCreate: boolean | null;
}

export const fromUser = (user: User, settings: Settings['tracking']): TrackingOwner => ({
  type: 'user',
  id: user.id,
  externalId: user.externalId,
  name: user.fullName,
  active: user.status === 'active',
  filtering: settings.forceFiltering ?? user.filtering ?? settings.defaultFiltering,
  emailOwner: canOwn(user) ? { type: 'user', id: user.id, externalId: user.externalId } : null,
  autoCreate: user.autoCreate,
});

const canOwn = (user: User): boolean => user.status === 'active' && user.canOwnEmail;

/** Email of a queue belongs to the queue's owner. */
export const fromQueue = (queue: Queue, emailOwner: Reference | null): TrackingOwner => ({
  type: 'queue',
  id: queue.id,
  externalId: queue.externalId,
  name: queue.name,
  active: true,
  filtering: queue.filtering,
  emailOwner,
  autoCreate: null,
});

const findEmailOwner = async (
  store: EntityStore,
  organizationId: string,
  ownerId: string | null,
): Promise<Reference | null> => {
  if (ownerId === null) return null;
  if (!ownerId.startsWith(`${userKind.prefix}_`)) return { type: 'team', id: ownerId };
  const user = await store.get(userKind, organizationId, ownerId);
  return user !== undefined && canOwn(user) ? { type: 'user', id: user.id, externalId: user.externalId } : null;
};

/** Undefined when there is no such user or queue (any more). */
export const loadTrackingOwner = async (
  store: EntityStore,
  organizationId: string,
  ownerId: string,
  settings: Settings['tracking'],
): Promise<TrackingOwner | undefined> => {
  if (ownerId.startsWith(`${userKind.prefix}_`)) {
    const user = await store.get(userKind, organizationId, ownerId);
    return user === undefined ? undefined : fromUser(user, settings);
  }
  const queue = await store.get(queueKind, organizationId, ownerId);
  if (queue === undefined) return undefined;
  return fromQueue(queue, await findEmailOwner(store, organizationId, queue.ownerId));
};

export const referToOwner = ({ type, id, externalId }: TrackingOwner): Reference => ({ type, id, externalId });

/** As people see it in a decision: "Anna (u-17)". */
export const nameOwner = ({ name, externalId, id }: TrackingOwner): string => `${name} (${externalId ?? id})`;
