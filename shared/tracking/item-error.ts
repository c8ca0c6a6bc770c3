import { RefusedItemError } from '../platform/refused-item-error.ts';

/**
 * Something in the message itself, not around it, keeps it from being tracked: it is set aside and the next one goes
 * on. Everything else that fails ends the run, which is repeated.
 */
export class ItemError extends Error {
  constructor(cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
    this.name = 'ItemError';
  }
}

/** Runs code that touches nothing but the message. @throws ItemError */
export const ofItem = <Result>(work: () => Result): Result => {
  try {
    return work();
  } catch (error) {
    throw new ItemError(error);
  }
};

/** The database refuses an item for what it holds, for instance its size: no repetition can help. */
export const isRefusedItem = (error: unknown): boolean =>
  error instanceof RefusedItemError ||
  (error instanceof Error &&
    (error.name === 'ValidationException' || error.name === 'ItemCollectionSizeLimitExceeded'));
