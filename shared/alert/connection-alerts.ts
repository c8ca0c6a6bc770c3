import type { EntityStore } from '../platform/entity-store.ts';
import type { FaultCode } from '../platform/fault-catalogue.ts';
import { clearAlert } from './raise-alert.ts';

/** Whatever a server or a login can be at fault for: a success of the same mailbox or profile proves it gone. */
const connectionCodes: readonly FaultCode[] = [
  'authenticationFailed',
  'oauthExpired',
  'oauthRevoked',
  'mailboxNotFound',
  'tlsUntrusted',
  'accessDenied',
  'protocolUnsupported',
  'hostNotAllowed',
  'connectFailed',
  'timedOut',
  'connectionLimit',
  'throttled',
  'serverError',
  'mailboxFull',
  'quotaReached',
  'uidValidityUnstable',
];

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
