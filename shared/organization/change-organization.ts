import { isDeepStrictEqual } from 'node:util';
import { auditWrite } from '../audit/audit-write.ts';
import type { Author } from '../platform/change.ts';
import type { EntityStore } from '../platform/entity-store.ts';
import { FaultError } from '../platform/fault.ts';
import { applyMergePatch, type MergePatch } from '../platform/merge-patch.ts';
import { validate } from '../platform/validate.ts';
import { quotaSchema } from '../quota/quota.ts';
import { type Organization, organizationKind } from './organization.ts';

/**
 * Changes what the operator says of an organization: its name and what it is granted. A smaller quota takes nothing
 * away; it refuses what would be more.
 *
 * @throws FaultError notFound, versionMismatch, invalidState (it is being erased), invalidRequest
 */
export const changeOrganization = (
  { store, now, author }: { readonly store: EntityStore; readonly now: () => Date; readonly author: Author },
  id: string,
  patch: { readonly name?: string | undefined; readonly quota?: MergePatch<unknown> | undefined },
  ifMatch: number | undefined,
): Promise<Organization> =>
  store.update(
    organizationKind,
    id,
    id,
    (current) => {
      if (current.status === 'erasing')
        throw new FaultError('invalidState', { detail: 'The organization is being erased' });
      const quota =
        patch.quota === undefined
          ? current.quota
          : validate(
              quotaSchema,
              applyMergePatch(patch.quota === null ? {} : current.quota, patch.quota ?? {}),
              '#/quota',
            );
      const next = { ...current, name: patch.name ?? current.name, quota };
      if (isDeepStrictEqual(next, current)) return undefined;
      const act = {
        author,
        now: now(),
        action: 'organization.changed' as const,
        subject: { type: 'organization', id },
      };
      return { next, also: [auditWrite(id, { ...act, before: current, after: next })] };
    },
    { now, ifMatch },
  );
