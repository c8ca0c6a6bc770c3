import * as z from 'zod';
import { type FaultCode, faultCatalogue } from './fault-catalogue.ts';

export const whoActsSchema = z.enum(['caller', 'mailboxOwner', 'administrator', 'operator', 'nobody']);

/** One wrong place in a request: a JSON Pointer fragment, a code and a sentence. */
export const faultPointerSchema = z.object({ pointer: z.string(), code: z.string(), detail: z.string() });
export type FaultPointer = z.output<typeof faultPointerSchema>;

/**
 * What went wrong, as a value: the form of problem details (RFC 9457) that the API answers with and that operations,
 * alerts, decisions and delivery results carry.
 */
export const faultSchema = z.object({
  type: z.string(),
  title: z.string(),
  status: z.number().int().optional(),
  code: z.string(),
  detail: z.string(),
  cause: z.string(),
  fix: z.string().min(1),
  whoActs: whoActsSchema,
  errors: z.array(faultPointerSchema).optional(),
});
export type Fault = z.output<typeof faultSchema>;

export interface FaultDetails {
  readonly detail?: string;
  readonly cause?: string;
  readonly fix?: string;
  readonly errors?: readonly FaultPointer[];
}

/** Where the hub serves the page that explains a code. */
export const problemPath = (code: string): string => `/problems/${code}`;

/** The fault of a code, with the catalogue's words wherever the caller has no better ones. */
export const createFault = (code: FaultCode, details: FaultDetails = {}): Fault => {
  const entry = faultCatalogue[code];
  return {
    type: problemPath(code),
    title: entry.title,
    ...(entry.status === undefined ? {} : { status: entry.status }),
    code,
    detail: details.detail ?? entry.title,
    cause: details.cause ?? entry.cause,
    fix: details.fix ?? entry.fix,
    whoActs: entry.whoActs,
    ...(details.errors === undefined ? {} : { errors: [...details.errors] }),
  };
};

/** Carries a fault up to the edge that answers with it. `extensions` become further members of the problem details. */
export class FaultError extends Error {
  readonly fault: Fault;
  readonly extensions: Readonly<Record<string, unknown>>;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    code: FaultCode,
    details: FaultDetails & {
      readonly extensions?: Readonly<Record<string, unknown>>;
      readonly headers?: Readonly<Record<string, string>>;
    } = {},
  ) {
    super(details.detail ?? code);
    this.name = 'FaultError';
    this.fault = createFault(code, details);
    this.extensions = details.extensions ?? {};
    this.headers = details.headers ?? {};
  }
}
