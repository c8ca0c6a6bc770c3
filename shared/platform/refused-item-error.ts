import type { TransactionCanceledException } from '@aws-sdk/client-dynamodb';

/**
 * DynamoDB takes an item of a transaction for no item, for instance for its size, so nothing was written and no repetition
 * can help. Of a lone write it says so with a ValidationException.
 */
export class RefusedItemError extends Error {
  constructor(cause: TransactionCanceledException, reason: string) {
    super(reason, { cause });
    this.name = 'RefusedItemError';
  }
}

const refusalCodes: ReadonlySet<string> = new Set(['ValidationError', 'ItemCollectionSizeLimitExceeded']);

/** Undefined where the transaction was cancelled for anything else. */
export const findRefusedItem = (error: TransactionCanceledException): RefusedItemError | undefined => {
  const refused = error.CancellationReasons?.find(({ Code = '' }) => refusalCodes.has(Code));
  return refused && new RefusedItemError(error, `${refused.Code}: ${refused.Message}`);
};
