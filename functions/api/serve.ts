import type { Author } from '../../shared/platform/change.ts';
import { FaultError } from '../../shared/platform/fault.ts';
import { createIdentifier, deriveIdentifier, type IdentifierPrefix } from '../../shared/platform/identifier.ts';
import { deploymentScope } from '../../shared/platform/records-table.ts';
import type { Metered } from '../../shared/quota/request-meter.ts';
import { type Authentication, authenticate, authorize } from './middleware/authenticate.ts';
import { type Claim, IdempotencyKeys, readIdempotencyKey } from './middleware/idempotency.ts';
import { ownershipOf } from './ownership.ts';
import { answerProblemPage } from './problem-page.ts';
import { readInput } from './read-input.ts';
import { readPreconditions } from './read-preconditions.ts';
import type { ApiRequest } from './request.ts';
import type { Caller, Route, RouteAnswer } from './route.ts';
import type { RouteMatch } from './router.ts';
import type { Services } from './services.ts';

/** What is known of a request when it has been answered, for the log. */
export interface RequestNotes {
  route?: string;
  organizationId?: string;
  keyId?: string;
}

/** @throws FaultError notFound, methodNotAllowed */
const findRoute = (match: RouteMatch): Extract<RouteMatch, { kind: 'found' }> => {
  if (match.kind === 'methodNotAllowed')
    throw new FaultError('methodNotAllowed', { headers: { allow: match.allow.join(', ') } });
  if (match.kind === 'notFound') throw new FaultError('notFound');
  return match;
};

const createIdentifiers = (now: Date, claim: Claim | undefined): ((prefix: IdentifierPrefix) => string) => {
  if (claim === undefined) return (prefix) => createIdentifier(prefix, now.getTime());
  let count = 0;
  return (prefix) => {
    count += 1;
    return deriveIdentifier(prefix, claim.startedAt, `${claim.identifierSeed}#${prefix}#${count}`);
  };
};

/** A user is one caller, whichever of the sessions is used. */
const meteredOf = ({ caller, organization }: Authentication): Metered => ({
  scope: organization?.id ?? deploymentScope,
  id: caller.type === 'session' ? caller.userId : caller.id,
  quota: organization?.quota,
});

type Handle = (identifierFor: (prefix: IdentifierPrefix) => string) => Promise<RouteAnswer>;

/** Users must not be answered with what another was answered: their keys are their own. */
const ownKey = (caller: Caller, key: string): string => {
  const ownership = ownershipOf(caller);
  return ownership === undefined ? key : `${ownership.userId} ${key}`;
};

/** Carries the request out, once per Idempotency-Key. */
const answerOnce = async (
  keys: IdempotencyKeys,
  call: { readonly route: Route; readonly request: ApiRequest; readonly requestId: string; readonly now: Date },
  { caller, organization }: Authentication,
  handle: Handle,
): Promise<RouteAnswer> => {
  const { route, request, requestId, now } = call;
  const key = readIdempotencyKey(request);
  if (key === undefined || route.access === 'open') return handle(createIdentifiers(now, undefined));
  const claim = await keys.claim(organization?.id ?? deploymentScope, ownKey(caller, key), request, requestId);
  if ('status' in claim) return claim;
  let answer: RouteAnswer;
  try {
    answer = await handle(createIdentifiers(now, claim));
  } catch (error) {
    // Where the key cannot be given free it lapses.
    await claim.release().catch(() => undefined);
    throw error;
  }
  // The work is done and its answer stands, also where it cannot be kept or another request has taken the key over: a
  // repeat is then carried out again, under the same identifiers.
  await claim.remember(answer, route.shownOnce ?? []).catch(() => undefined);
  return answer;
};

/** Answers requests: finds the route, then who calls, then whether the input is right, then runs the route. */
export const createServe = (
  services: Services,
  match: (method: string, segments: readonly string[]) => Promise<RouteMatch>,
): ((request: ApiRequest, requestId: string, notes: RequestNotes) => Promise<RouteAnswer>) => {
  const keys = new IdempotencyKeys(services.table, services.now);

  const run = async (
    route: Route,
    parameters: Readonly<Record<string, string>>,
    request: ApiRequest,
    requestId: string,
    authentication: Authentication,
  ): Promise<RouteAnswer> => {
    const { caller, organization } = authentication;
    const input = readInput(route, request, parameters);
    const preconditions = readPreconditions(request);
    const author: Author = {
      origin: 'crm',
      actor: { type: caller.type, id: caller.id, ...(caller.type === 'session' ? { userId: caller.userId } : {}) },
    };
    return answerOnce(keys, { route, request, requestId, now: services.now() }, authentication, (identifierFor) =>
      // The schemas of the route have just checked what its handler is typed for.
      route.handle({
        services,
        caller,
        author,
        requestId,
        ...input,
        ...preconditions,
        identifierFor,
        organization,
      } as unknown as Parameters<Route['handle']>[0]),
    );
  };

  return async (request, requestId, notes) => {
    const [root, ...segments] = request.segments;
    if (root === 'problems') return answerProblemPage(request.method, segments);
    if (root === 'console') {
      notes.route = `${request.method} /console`;
      const { answerConsole } = await import('./console/answer-console.ts');
      return answerConsole(request, services.hubUrl);
    }
    if (root !== 'v1') throw new FaultError('notFound');
    const { route, parameters } = findRoute(await match(request.method, segments));
    notes.route = `${route.method} ${route.path}`;
    if (route.access === 'open')
      return run(route, parameters, request, requestId, {
        caller: { type: 'operator', id: 'none' },
        organization: undefined,
      });
    const authentication = await authenticate(services, request);
    notes.keyId = authentication.caller.id;
    if (authentication.organization !== undefined) notes.organizationId = authentication.organization.id;
    await services.meter.admit(meteredOf(authentication));
    authorize(route, authentication);
    return run(route, parameters, request, requestId, authentication);
  };
};
