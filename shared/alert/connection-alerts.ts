import type { EntityStore } from '../platform/entity-store.ts';
import { connectionCodes } from './alert-rules.ts';
import { clearAlert } from './raise-alert.ts';

/** Clears what a mailbox or a server profile was told of its connections, but for the codes that still stand. */
export const clearConnectionAlerts = async (
  store: EntityStore,
  organizationId: string,
  subjectId: string,
  options: { readonly now: Date; readonly except?: ReadonlySet<string> },
): Promise<void> => {
  const codes = connectionCodes.filter((code) => options.except?.has(code) !== true);
  await Promise.all(codes.map((code) => clearAlert(store, organizationId, code, subjectId, { now: options.now })));
};

/** Clears whatever was told of a server profile that is no more. */
export const clearProfileAlerts = async (
  store: EntityStore,
  organizationId: string,
  serverProfileId: string,
  now: Date,
): Promise<void> => {
  await clearConnectionAlerts(store, organizationId, serverProfileId, { now });
  for (const code of ['serverCrowded', 'profileFailing'])
    await clearAlert(store, organizationId, code, serverProfileId, { now });
};
