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

/** Whether AWS refused a call for there being too many of them, after the SDK had repeated it. */
export const isAwsThrottle = (error: unknown): boolean => {
  if (!(error instanceof Error)) return false;
  const { $metadata } = error as { readonly $metadata?: { readonly httpStatusCode?: number } };
  return throttleNames.has(error.name) || $metadata?.httpStatusCode === 429;
};
