import * as z from 'zod';
import { type Role, roleSchema } from '../../shared/organization/api-key.ts';
import type { Organization } from '../../shared/organization/organization.ts';
import type { Author } from '../../shared/platform/change.ts';
import type { IdentifierPrefix } from '../../shared/platform/identifier.ts';
import type { SessionRole } from '../../shared/session/session.ts';
import type { Services } from './services.ts';

/** The roles of API keys; a session has role admin, or user. */
export type CallerRole = Role | 'user';

/** Any key, and sessions of role admin. */
export const roles: readonly CallerRole[] = roleSchema.options;
/** Users, too: such a route shows them only what is theirs (ownership.ts). */
export const rolesAndUsers: readonly CallerRole[] = [...roles, 'user'];
export const writersAndUsers: readonly CallerRole[] = ['admin', 'crm', 'user'];

/** Who calls: an operator key, an API key of one organization, or one of its users who is signed in. */
export type Caller =
  | { readonly type: 'operator'; readonly id: string }
  | { readonly type: 'key'; readonly id: string; readonly role: Role }
  | {
      readonly type: 'session';
      readonly id: string;
      readonly role: SessionRole;
      readonly userId: string;
      /** The user's own. */
      readonly mailboxId: string;
    };

export interface RouteAnswer {
  readonly status: number;
  /** Absent for 204 and redirects. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface RequestContext<Path, Query, Body> {
  readonly services: Services;
  readonly caller: Caller;
  /** Author of the changes that this request makes (origin `crm`). */
  readonly author: Author;
  readonly requestId: string;
  readonly path: Path;
  readonly query: Query;
  readonly body: Body;
  /** The version that If-Match names; undefined when it is absent or `*`. */
  readonly ifMatch: number | undefined;
  /** If-None-Match: * was sent: create only. */
  readonly createOnly: boolean;
  /** The names of the fields that the body holds, for "each field present is an edit". */
  readonly presentFields: ReadonlySet<string>;
  /**
   * The identifier of what this request creates. With an Idempotency-Key it is the same at every try, so that a request
   * that is carried out again after a crash finds what the first try created instead of making a second one.
   */
  readonly identifierFor: (prefix: IdentifierPrefix) => string;
}

export interface OrganizationContext<Path, Query, Body> extends RequestContext<Path, Query, Body> {
  /** Of the caller. Suspended ones only reach handlers of GET, and those with `whileSuspended`. */
  readonly organization: Organization;
}

interface RouteBase {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Below /v1, parameters in braces: `/mailboxes/{mailboxId}/approve`. Each is a string of the path schema. */
  readonly path: string;
  /** One line for the OpenAPI document. */
  readonly summary: string;
  readonly tag: string;
  /** Answers by status; the schema describes the body in the OpenAPI document. */
  readonly answers: Readonly<Record<number, z.ZodType | null>>;
  /** Codes of the problems that this route may answer with besides the general ones. */
  readonly problems?: readonly string[];
  /** Fields of the answer, besides `secret`, that are shown once: a repeat by Idempotency-Key has null in their place. */
  readonly shownOnce?: readonly string[];
  /** It changes nothing that the organization works with, and is carried out while that is suspended. */
  readonly whileSuspended?: true;
}

/** A route with its types erased, as the router and the OpenAPI document see it. */
export type Route = RouteBase & {
  readonly access: 'open' | 'operator' | readonly CallerRole[];
  readonly pathSchema: z.ZodType;
  readonly querySchema: z.ZodType;
  readonly bodySchema: z.ZodType | null;
  /** Called with validated input; `organization` is absent for operator and open routes. */
  readonly handle: (context: OrganizationContext<never, never, never>) => Promise<RouteAnswer>;
};

/**
 * A route of an organization's API. `access` names the roles that may call it. The handler is thin: it translates
 * between HTTP and the domain, and holds no rule of its own.
 */
export const defineRoute = <Path extends z.ZodType, Query extends z.ZodType, Body extends z.ZodType>(
  route: RouteBase & {
    readonly access: readonly CallerRole[];
    readonly pathSchema: Path;
    readonly querySchema: Query;
    readonly bodySchema: Body | null;
    readonly handle: (
      context: OrganizationContext<z.output<Path>, z.output<Query>, z.output<Body>>,
    ) => Promise<RouteAnswer>;
  },
): Route => route as unknown as Route;

/** A route that only the operator key may call. */
export const defineOperatorRoute = <Path extends z.ZodType, Query extends z.ZodType, Body extends z.ZodType>(
  route: RouteBase & {
    readonly pathSchema: Path;
    readonly querySchema: Query;
    readonly bodySchema: Body | null;
    readonly handle: (context: RequestContext<z.output<Path>, z.output<Query>, z.output<Body>>) => Promise<RouteAnswer>;
  },
): Route => ({ ...route, access: 'operator' }) as unknown as Route;

/** A route that needs no key, and takes no Idempotency-Key: there is nobody whose key it would be. */
export const defineOpenRoute = <
  Path extends z.ZodType,
  Query extends z.ZodType,
  Body extends z.ZodType = z.ZodUndefined,
>(
  route: RouteBase & {
    readonly pathSchema: Path;
    readonly querySchema: Query;
    readonly bodySchema?: Body;
    readonly handle: (
      context: Omit<RequestContext<z.output<Path>, z.output<Query>, z.output<Body>>, 'caller' | 'author'>,
    ) => Promise<RouteAnswer>;
  },
): Route => ({ bodySchema: null, ...route, access: 'open' }) as unknown as Route;

/** For routes without parameters. */
export const noParameters = z.strictObject({});
