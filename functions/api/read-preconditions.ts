import { FaultError } from '../../shared/platform/fault.ts';
import type { ApiRequest } from './request.ts';

export interface Preconditions {
  /** The version that If-Match names; undefined when it is absent or `*`; 0, which no resource has, for a foreign tag. */
  readonly ifMatch: number | undefined;
  readonly createOnly: boolean;
}

const refuse = (header: string, detail: string): never => {
  throw new FaultError('invalidRequest', {
    detail,
    errors: [{ pointer: `#/header/${header}`, code: 'invalidFormat', detail }],
  });
};

const readIfMatch = (text: string | undefined): number | undefined => {
  const tag = text?.trim();
  if (tag === undefined || tag === '*') return undefined;
  const version = /^"(\d{1,15})"$/.exec(tag)?.[1];
  if (version !== undefined) return Number(version);
  // Weak tags and tags of another form are well formed and match nothing (RFC 9110 section 13.1.1).
  if (/^(?:W\/)?"[^"]*"$/.test(tag)) return 0;
  return refuse('If-Match', 'If-Match takes one entity tag, or *');
};

/** Reads If-Match on any writing request and If-None-Match on PUT (RFC 9110 section 13.1). @throws FaultError invalidRequest */
export const readPreconditions = ({ method, headers }: ApiRequest): Preconditions => {
  if (method === 'GET') return { ifMatch: undefined, createOnly: false };
  const ifNoneMatch = method === 'PUT' ? headers['if-none-match']?.trim() : undefined;
  if (ifNoneMatch !== undefined && ifNoneMatch !== '*')
    refuse('If-None-Match', 'If-None-Match takes * only: create, and never change');
  return { ifMatch: readIfMatch(headers['if-match']), createOnly: ifNoneMatch === '*' };
};
