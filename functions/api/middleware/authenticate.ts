import { findCaller, noteKeyUse } from '../../../shared/organization/find-caller.ts';
import type { Organization } from '../../../shared/organization/organization.ts';
import { FaultError } from '../../../shared/platform/fault.ts';
import type { ApiRequest } from '../request.ts';
import type { Caller, Route } from '../route.ts';
import type { Services } from '../services.ts';

export interface Authentication {
  readonly caller: Caller;
  /** Absent for an operator. */
  readonly organization: Organization | undefined;
}

/** Who sends the request: the Authorization header says so, and nothing else. @throws FaultError unauthenticated */
export const authenticate = async ({ store, now }: Services, request: ApiRequest): Promise<Authentication> => {
  const [, token] = /^Bearer +(\S+)$/i.exec(request.headers['authorization']?.trim() ?? '') ?? [];
  const found = token === undefined ? undefined : await findCaller(store, token, now());
  if (found === undefined) throw new FaultError('unauthenticated');
  if (found.type === 'operator') return { caller: found, organization: undefined };
  const { organization } = found;
  if (found.type === 'session') {
    const { session, user } = found;
    const caller = { id: session.id, role: session.role, userId: user.id, mailboxId: user.mailboxId };
    return { caller: { type: 'session', ...caller }, organization };
  }
  const { key } = found;
  await noteKeyUse(store, organization.id, key, now());
  return { caller: { type: 'key', id: key.id, role: key.role }, organization };
};

/** Whether this caller may use the route now. @throws FaultError forbidden, organizationSuspended */
export const authorize = (route: Route, { caller, organization }: Authentication): void => {
  const mayCall =
    route.access === 'operator'
      ? caller.type === 'operator'
      : caller.type !== 'operator' && route.access !== 'open' && route.access.includes(caller.role);
  if (!mayCall) throw new FaultError('forbidden');
  if (organization?.status === 'suspended' && route.method !== 'GET' && route.whileSuspended !== true)
    throw new FaultError('organizationSuspended');
};
