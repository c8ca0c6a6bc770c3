import { auditWrite } from '../audit/audit-write.ts';
import type { CycleControl } from '../cycle/cycle-control.ts';
import type { Author } from '../platform/change.ts';
import { createChange } from '../platform/create-change.ts';
import type { EntityStore } from '../platform/entity-store.ts';
import { FaultError } from '../platform/fault.ts';
import { type Organization, organizationKind } from './organization.ts';
import { resumeCycles } from './resume-cycles.ts';

interface Dependencies {
  readonly store: EntityStore;
  readonly cycles: CycleControl;
  readonly now: () => Date;
}

/** @throws FaultError invalidState */
const refuseErasing = (organization: Organization): void => {
  if (organization.status === 'erasing')
    throw new FaultError('invalidState', { detail: 'The organization is being erased' });
};

/**
 * Stops all work of an organization: each run looks at the status before it begins and leaves its cycle as it is.
 *
 * @throws FaultError notFound, invalidState, versionMismatch
 */
export const suspendOrganization = (
  { store, now }: Dependencies,
  id: string,
  reason: string,
  author: Author,
  ifMatch: number | undefined,
): Promise<Organization> =>
  store.update(
    organizationKind,
    id,
    id,
    (current) => {
      refuseErasing(current);
      if (current.status === 'suspended' && current.suspendReason === reason) return undefined;
      const act = {
        author,
        now: now(),
        action: 'organization.suspended' as const,
        subject: { type: 'organization', id },
      };
      const next = { ...current, status: 'suspended' as const, suspendReason: reason };
      return {
        next,
        also: [auditWrite(id, { ...act, before: current, after: next })],
        // Another reason for the same standstill is no news to the feed.
        changes: current.status === 'suspended' ? [] : [createChange('organization.suspended', author, now())],
      };
    },
    { now, ifMatch },
  );

/**
 * Lets an organization work again, from the cursors where it stopped. Repeating it on an active one starts what an
 * earlier call could not start any more.
 *
 * @throws FaultError notFound, invalidState, versionMismatch
 */
export const resumeOrganization = async (
  dependencies: Dependencies,
  id: string,
  author: Author,
  ifMatch: number | undefined,
): Promise<Organization> => {
  const { store, now } = dependencies;
  const organization = await store.update(
    organizationKind,
    id,
    id,
    (current) => {
      refuseErasing(current);
      if (current.status === 'active') return undefined;
      const act = {
        author,
        now: now(),
        action: 'organization.resumed' as const,
        subject: { type: 'organization', id },
      };
      const next = { ...current, status: 'active' as const, suspendReason: null };
      return {
        next,
        also: [auditWrite(id, { ...act, before: current, after: next })],
        changes: [createChange('organization.resumed', author, now())],
      };
    },
    { now, ifMatch },
  );
  await resumeCycles(dependencies, id);
  return organization;
};
