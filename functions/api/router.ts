import type { Route } from './route.ts';
import type { RouteGroups } from './routes/index.ts';

export type RouteMatch =
  | { readonly kind: 'found'; readonly route: Route; readonly parameters: Readonly<Record<string, string>> }
  | { readonly kind: 'methodNotAllowed'; readonly allow: readonly string[] }
  | { readonly kind: 'notFound' };

type Part = { readonly literal: string } | { readonly parameter: string };

const partsOf = (path: string): readonly Part[] =>
  path
    .split('/')
    .slice(1)
    .map((text) => (text.startsWith('{') ? { parameter: text.slice(1, -1) } : { literal: text }));

/**
 * The parameters of a path that fits, undefined when it does not. A parameter is one segment, but one that begins with
 * `ext:` may be several: API Gateway has decoded a `%2F` inside an externalId before the function sees it.
 */
const fitPath = (parts: readonly Part[], segments: readonly string[]): Readonly<Record<string, string>> | undefined => {
  const [part, ...laterParts] = parts;
  const [segment, ...laterSegments] = segments;
  if (part === undefined) return segments.length === 0 ? {} : undefined;
  if (segment === undefined) return undefined;
  if ('literal' in part) return part.literal === segment ? fitPath(laterParts, laterSegments) : undefined;
  if (segment === '') return undefined;
  const longest = segment.startsWith('ext:') ? segments.length - laterParts.length : 1;
  for (let length = 1; length <= longest; length += 1) {
    const rest = fitPath(laterParts, segments.slice(length));
    if (rest !== undefined) return { [part.parameter]: segments.slice(0, length).join('/'), ...rest };
  }
  return undefined;
};

/** Whether `one` is the better fit: no externalId with slashes where a path does without, then literals from the left. */
const compareFits = (one: readonly Part[], other: readonly Part[]): number => {
  if (one.length !== other.length) return other.length - one.length;
  for (const [index, part] of one.entries()) {
    const opposite = other[index];
    if (opposite === undefined) break;
    const difference = Number('literal' in opposite) - Number('literal' in part);
    if (difference !== 0) return difference;
  }
  return 0;
};

interface Entry {
  readonly route: Route;
  readonly parts: readonly Part[];
}

const orderRoutes = (routes: readonly Route[]): readonly Entry[] =>
  routes
    .map((route) => ({ route, parts: partsOf(route.path) }))
    .sort((one, other) => compareFits(one.parts, other.parts));

const matchRoute = (table: readonly Entry[], method: string, segments: readonly string[]): RouteMatch => {
  const fitting = table.flatMap(({ route, parts }) => {
    const parameters = fitPath(parts, segments);
    return parameters === undefined ? [] : [{ route, parameters }];
  });
  const found = fitting.find(({ route }) => route.method === method);
  if (found !== undefined) return { kind: 'found', ...found };
  if (fitting.length === 0) return { kind: 'notFound' };
  return { kind: 'methodNotAllowed', allow: [...new Set(fitting.map(({ route }) => route.method))].sort() };
};

/**
 * Finds the route of a request below /v1. A matcher of our own: @middy/http-router answers 404 where a path is known
 * but the method is not, cannot say which methods it has, and takes a parameter for exactly one segment.
 *
 * An externalId with a slash before the name of an action (`ext:7/send`) is read as the action; such a resource is
 * addressed by its id.
 */
export const createRouter = (
  groups: RouteGroups,
): ((method: string, segments: readonly string[]) => Promise<RouteMatch>) => {
  const tables = new Map<string, readonly Entry[]>();
  const tableOf = async (first: string): Promise<readonly Entry[]> => {
    const known = tables.get(first);
    const load = Object.hasOwn(groups, first) ? groups[first] : undefined;
    if (known !== undefined || load === undefined) return known ?? [];
    const table = orderRoutes(await load());
    tables.set(first, table);
    return table;
  };
  return async (method, segments) => matchRoute(await tableOf(segments[0] ?? ''), method, segments);
};
