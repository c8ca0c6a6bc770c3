/** What DynamoDB takes for a partition key and for a sort key, in bytes of UTF-8; neither may be empty. */
const longestPartitionKey = 2048;
const longestSortKey = 1024;

const fits = (key: string, longest: number): boolean => key !== '' && Buffer.byteLength(key) <= longest;

/**
 * Whether an item can stand there at all. Who reads with a text of a request as its key finds nothing otherwise, where
 * DynamoDB would refuse to look.
 */
export const canExist = ({ pk, sk }: { readonly pk: string; readonly sk: string }): boolean =>
  fits(pk, longestPartitionKey) && fits(sk, longestSortKey);

/** Whether a sort key lies in a range, in the order of the table: that of bytes. */
export const isWithin = (sk: string, { from, to }: { readonly from?: string; readonly to?: string }): boolean => {
  const bytes = Buffer.from(sk);
  return (
    (from === undefined || Buffer.compare(bytes, Buffer.from(from)) >= 0) &&
    (to === undefined || Buffer.compare(bytes, Buffer.from(to)) <= 0)
  );
};

/** Whether a query may go on after this sort key: DynamoDB refuses one that its range cannot have given. */
export const canGoOnAfter = (sk: string, range: { readonly from?: string; readonly to?: string }): boolean =>
  sk.isWellFormed() && fits(sk, longestSortKey) && isWithin(sk, range);
