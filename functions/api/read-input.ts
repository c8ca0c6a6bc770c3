import * as z from 'zod';
import { FaultError, type FaultPointer } from '../../shared/platform/fault.ts';
import { identifierPattern } from '../../shared/platform/identifier.ts';
import { pointersOf, pointerTo } from '../../shared/platform/validate.ts';
import { findBrokenText } from './find-broken-text.ts';
import { findRepeatedName } from './find-repeated-name.ts';
import type { ApiRequest } from './request.ts';
import type { Route } from './route.ts';

const unknownResource = 'unknownResource';

/**
 * A path parameter that names a resource. What cannot be an id names none, whatever else the request says: a path that
 * is not offered, such as /server-profiles/detect, must not be taken for one.
 */
export const resourceIdSchema = z
  .string()
  .refine((text) => text.startsWith('ext:') || identifierPattern.test(text), { params: { code: unknownResource } });

/** Larger content goes by presigned upload. */
const bodyLimitBytes = 4 * 1024 * 1024;

// A body may be wrong in more places than an answer has room for.
const mostErrors = 100;

export interface RouteInput {
  readonly path: unknown;
  readonly query: unknown;
  readonly body: unknown;
  readonly presentFields: ReadonlySet<string>;
}

const refuseBody = (code: string, detail: string): never => {
  throw new FaultError('invalidRequest', { detail, errors: [{ pointer: '#', code, detail }] });
};

// Nothing is nested nearly as deep here, but a body may be, and a pointer into it would be as long as the body.
const deepestPointer = 100;

const refusePlace = (path: readonly PropertyKey[], code: string, detail: string): never => {
  const pointer = pointerTo('#', path.slice(0, deepestPointer));
  throw new FaultError('invalidRequest', { errors: [{ pointer, code, detail }] });
};

const isJson = (contentType: string): boolean => {
  const [mediaType = '', ...parameters] = contentType.toLowerCase().split(';');
  const named = ['application/json', 'application/merge-patch+json'].includes(mediaType.trim());
  return named && parameters.every((one) => ['', 'charset=utf-8', 'charset="utf-8"'].includes(one.trim()));
};

/** The body as a value; an empty one counts as `{}`. @throws FaultError requestTooLarge, unsupportedMediaType, invalidRequest */
const parseBody = (request: ApiRequest): unknown => {
  const { body } = request;
  if (body.length > bodyLimitBytes) throw new FaultError('requestTooLarge');
  if (body.length === 0) return {};
  if (!isJson(request.headers['content-type'] ?? '')) throw new FaultError('unsupportedMediaType');
  let text = '';
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(body);
  } catch {
    refuseBody('invalidEncoding', 'The body is not UTF-8');
  }
  if (text.trim() === '') return {};
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // The parser's own words would quote the body, which may hold a password.
    return refuseBody('invalidJson', 'The body is not valid JSON');
  }
  const repeated = findRepeatedName(text);
  if (repeated !== undefined) refusePlace(repeated, 'repeated', 'This field may be given once');
  const broken = findBrokenText(value);
  if (broken !== undefined) refusePlace(broken, 'invalidEncoding', 'This text holds half a character');
  return value;
};

const parseQuery = (query: URLSearchParams): { readonly values: unknown; readonly errors: readonly FaultPointer[] } => {
  const names = [...new Set(query.keys())];
  return {
    values: Object.fromEntries(names.map((name) => [name, query.get(name)])),
    errors: names
      .filter((name) => query.getAll(name).length > 1)
      .map((name) => ({ pointer: `#/query/${name}`, code: 'repeated', detail: 'This parameter may be given once' })),
  };
};

/** Checks path, query and body against the route's schemas. @throws FaultError invalidRequest that names the wrong places */
export const readInput = (
  route: Route,
  request: ApiRequest,
  parameters: Readonly<Record<string, string>>,
): RouteInput => {
  const sent = parseBody(request);
  const query = parseQuery(request.query);
  const errors: FaultPointer[] = [...query.errors];
  const check = (schema: z.ZodType, value: unknown, root: string): unknown => {
    const outcome = schema.safeParse(value);
    if (outcome.success) return outcome.data;
    errors.push(...pointersOf(outcome.error, value, root));
    return undefined;
  };
  const path = check(route.pathSchema, parameters, '#/path');
  if (errors.some(({ code }) => code === unknownResource)) throw new FaultError('notFound');
  const values = check(route.querySchema, query.values, '#/query');
  const isObject = typeof sent === 'object' && sent !== null && !Array.isArray(sent);
  const fields = isObject ? Object.keys(sent) : [];
  if (route.bodySchema === null && (!isObject || fields.length > 0))
    errors.push({ pointer: '#', code: 'unknownField', detail: 'This request takes no body' });
  const body = route.bodySchema === null ? undefined : check(route.bodySchema, sent, '#');
  if (errors.length > 0) throw new FaultError('invalidRequest', { errors: errors.slice(0, mostErrors) });
  return { path, query: values, body, presentFields: new Set(fields) };
};
