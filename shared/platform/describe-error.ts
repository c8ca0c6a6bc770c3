import * as z from 'zod';

/** What a log may say of an unexpected error. */
export interface ErrorDescription {
  readonly name: string;
  /** Where it was thrown. */
  readonly frames: readonly string[];
  readonly message?: string;
  readonly code?: string;
  readonly places?: readonly string[];
  readonly cause?: ErrorDescription;
}

const longestChain = 3;

/**
 * Describes an error for the log without its message, which may quote what was being worked on: a password in a body, a
 * line of somebody's mail. Messages of the AWS SDK name tables and conditions and are kept; of what does not fit a
 * schema the places are told.
 */
export const describeError = (error: unknown, depth = 1): ErrorDescription => {
  if (!(error instanceof Error)) return { name: typeof error, frames: [] };
  const { code, $metadata } = error as { readonly code?: unknown; readonly $metadata?: unknown };
  return {
    name: error.name,
    frames: (error.stack ?? '').split('\n').flatMap((line) => (/^\s+at /.test(line) ? [line.trim()] : [])),
    ...($metadata === undefined ? {} : { message: error.message }),
    ...(typeof code === 'string' ? { code } : {}),
    ...(error instanceof z.ZodError
      ? { places: error.issues.map((issue) => `${issue.path.join('.')}: ${issue.code}`) }
      : {}),
    ...(error.cause === undefined || depth >= longestChain ? {} : { cause: describeError(error.cause, depth + 1) }),
  };
};
