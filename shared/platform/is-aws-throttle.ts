const throttleNames = new Set([
  'ProvisionedThroughputExceededException',
  'RequestLimitExceeded',
  'RequestThrottled',
  'RequestThrottledException',
  'SlowDown',
  'Throttling',
  'ThrottlingException',
  'TooManyRequestsException',
]);

/** Why DynamoDB cancelled a transaction, where its capacity was the reason. */
const throttleReasons = new Set(['ThrottlingError', 'ProvisionedThroughputExceeded']);

/** Whether AWS refused a call for there being too many of them, after the SDK had repeated it. */
export const isAwsThrottle = (error: unknown): boolean => {
  if (!(error instanceof Error)) return false;
  const { $metadata, CancellationReasons = [] } = error as {
    readonly $metadata?: { readonly httpStatusCode?: number };
    readonly CancellationReasons?: readonly { readonly Code?: string }[];
  };
  return (
    throttleNames.has(error.name) ||
    $metadata?.httpStatusCode === 429 ||
    CancellationReasons.some(({ Code = '' }) => throttleReasons.has(Code))
  );
};
