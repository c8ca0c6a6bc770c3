import { type FoundSession, findBrowser, findCaller, noteKeyUse } from '../../../shared/organization/find-caller.ts';
import type { Organization } from '../../../shared/organization/organization.ts';
import { FaultError } from '../../../shared/platform/fault.ts';
import { requireSameOrigin } from '../browser/same-origin.ts';
import { sessionCookieName } from '../browser/session-cookie.ts';
import type { ApiRequest } from '../request.ts';
import type { Caller, Route } from '../route.ts';
import type { Services } from '../services.ts';

export interface Authentication {
  readonly caller: Caller;
  /** Absent for an operator. */
  readonly organization: Organization | undefined;
  /** The browser sent it by itself, whoever made it send the request. */
  readonly byCookie: boolean;
}

const sessionOf = ({ session, user, organization }: FoundSession, byCookie: boolean): Authentication => {
  const caller = { id: session.id, role: session.role, userId: user.id, mailboxId: user.mailboxId };
  return { caller: { type: 'session', ...caller }, organization, byCookie };
};

/** Somebody in a browser. @throws FaultError unauthenticated; forbidden when a page of another site asks */
const authenticateBrowser = async ({ store, now, hubUrl }: Services, request: ApiRequest): Promise<Authentication> => {
  const token = request.cookies.get(sessionCookieName(hubUrl));
  const found = token === undefined ? undefined : await findBrowser(store, token, now());
  if (found === undefined) throw new FaultError('unauthenticated');
  requireSameOrigin(request, hubUrl);
  return sessionOf(found, true);
};

/** Who sends the request. A cookie counts only where there is no Authorization. @throws FaultError unauthenticated, forbidden */
export const authenticate = async (services: Services, request: ApiRequest): Promise<Authentication> => {
  const authorization = request.headers['authorization'];
  if (authorization === undefined) return authenticateBrowser(services, request);
  const { store, now } = services;
  const [, token] = /^Bearer +(\S+)$/i.exec(authorization.trim()) ?? [];
  const found = token === undefined ? undefined : await findCaller(store, token, now());
  if (found === undefined) throw new FaultError('unauthenticated');
  if (found.type === 'operator') return { caller: found, organization: undefined, byCookie: false };
  if (found.type === 'session') return sessionOf(found, false);
  const { key, organization } = found;
  await noteKeyUse(store, organization.id, key, now());
  return { caller: { type: 'key', id: key.id, role: key.role }, organization, byCookie: false };
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
