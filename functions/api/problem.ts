import { type Fault, FaultError } from '../../shared/platform/fault.ts';
import { WriteConditionError } from '../../shared/platform/records-table.ts';

/** A problem to answer with (RFC 9457). */
export interface Problem {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Readonly<Record<string, unknown>>;
}

// What AWS's services, and the network before them, answer when the same request may go well a moment later.
const transientNames = new Set([
  'ProvisionedThroughputExceededException',
  'RequestLimitExceeded',
  'ThrottlingException',
  'Throttling',
  'RequestThrottled',
  'RequestThrottledException',
  'TooManyRequestsException',
  'SlowDown',
  'KMSInternalException',
  'DependencyTimeoutException',
  'InternalServerError',
  'InternalFailure',
  'ServiceUnavailable',
  'TransactionConflictException',
  'TransactionCanceledException',
  'TransactionInProgressException',
  'TimeoutError',
]);
const transientCodes = new Set(['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ENOTFOUND', 'EAI_AGAIN']);

const retryAfterSeconds = '2';

export const isTransient = (error: unknown): boolean => {
  // Other writers were faster in each of many attempts.
  if (error instanceof WriteConditionError) return true;
  if (!(error instanceof Error)) return false;
  const { code, $metadata } = error as { readonly code?: unknown; readonly $metadata?: { httpStatusCode?: number } };
  return (
    transientNames.has(error.name) ||
    (typeof code === 'string' && transientCodes.has(code)) ||
    ($metadata?.httpStatusCode ?? 0) >= 500
  );
};

/** The fault that a caller is told of, whatever was thrown. Of an unexpected error nothing but its having happened. */
const toFaultError = (error: unknown): FaultError => {
  if (error instanceof FaultError) return error;
  return isTransient(error) ? new FaultError('unavailable') : new FaultError('internalError');
};

const headersOf = (fault: Fault): Record<string, string> => {
  if (fault.code === 'unauthenticated') return { 'www-authenticate': 'Bearer' };
  if (fault.code === 'unavailable' || fault.code === 'rateLimited') return { 'retry-after': retryAfterSeconds };
  return {};
};

export const presentProblem = (error: unknown, requestId: string): Problem => {
  const { fault, extensions, headers } = toFaultError(error);
  // A fault that has no status of its own comes from a server behind the hub and never answers a request by itself.
  const status = fault.status ?? 500;
  return {
    status,
    headers: { 'content-type': 'application/problem+json', ...headersOf(fault), ...headers },
    body: { ...fault, status, instance: `urn:request:${requestId}`, ...extensions },
  };
};
