import type * as z from 'zod';
import { FaultError, type FaultPointer } from './fault.ts';

type Issue = z.core.$ZodIssue;

const escapeToken = (token: PropertyKey): string => String(token).replaceAll('~', '~0').replaceAll('/', '~1');

/** A JSON Pointer as URI fragment (RFC 6901 section 6), not percent-encoded, below `root` (`#`, `#/query`, `#/path`). */
export const pointerTo = (root: string, path: readonly PropertyKey[]): string =>
  [root, ...path.map(escapeToken)].join('/');

/** Whether the input ends before the path does; what a schema made of a text (a list from commas) is not missing. */
const isMissing = (input: unknown, path: readonly PropertyKey[]): boolean => {
  let value = input;
  for (const token of path) {
    if (value === undefined) return true;
    if (typeof value !== 'object' || value === null) return false;
    value = Object.hasOwn(value, token) ? (value as Record<PropertyKey, unknown>)[token] : undefined;
  }
  return value === undefined;
};

const codes: Partial<Record<Issue['code'], string>> = {
  invalid_type: 'invalidType',
  too_big: 'outOfRange',
  too_small: 'outOfRange',
  not_multiple_of: 'outOfRange',
  invalid_format: 'invalidFormat',
  invalid_value: 'invalidValue',
  invalid_key: 'invalidKey',
  invalid_element: 'invalidValue',
};

const depthOf = (issues: readonly Issue[]): number => Math.max(0, ...issues.map((issue) => issue.path.length));

const toPointers = (issue: Issue, input: unknown, root: string, above: readonly PropertyKey[]): FaultPointer[] => {
  const path = [...above, ...issue.path];
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => ({
      pointer: pointerTo(root, [...path, key]),
      code: 'unknownField',
      detail: 'This field is not known here',
    }));
  if (issue.code === 'invalid_union' && issue.errors.length > 0) {
    // The branch that got furthest is the one that was meant.
    const [closest] = [...issue.errors].sort(
      (one, other) => depthOf(other) - depthOf(one) || one.length - other.length,
    );
    if (closest !== undefined && depthOf(closest) > 0)
      return closest.flatMap((inner) => toPointers(inner, input, root, path));
  }
  const pointer = pointerTo(root, path);
  if (issue.code === 'custom' && typeof issue.params?.['code'] === 'string')
    return [{ pointer, code: issue.params['code'], detail: issue.message }];
  if (path.length > 0 && isMissing(input, path))
    return [{ pointer, code: 'required', detail: 'This field is missing' }];
  return [{ pointer, code: codes[issue.code] ?? 'invalidValue', detail: issue.message }];
};

/** Every wrong place of `input`, as pointers below `root`. */
export const pointersOf = (error: z.ZodError, input: unknown, root = '#'): FaultPointer[] =>
  error.issues.flatMap((issue) => toPointers(issue, input, root, []));

/** What the schema makes of the input. @throws FaultError invalidRequest, with a pointer to each wrong field */
export const validate = <Schema extends z.ZodType>(schema: Schema, input: unknown, root = '#'): z.output<Schema> => {
  const outcome = schema.safeParse(input);
  if (outcome.success) return outcome.data;
  throw new FaultError('invalidRequest', { errors: pointersOf(outcome.error, input, root) });
};

/** One wrong field, found by a rule that no schema can express. */
export const refuseField = (pointer: string, code: string, detail: string): FaultError =>
  new FaultError('invalidRequest', { detail, errors: [{ pointer, code, detail }] });
