import type { Requests } from './count-requests.ts';

/** List prices of us-east-1 in US dollars, without free allowances, as published on 24 November 2026. */
export const priceDate = '24 November 2026';

const perMillion: Readonly<Record<string, number>> = {
  'dynamodb.writeUnits': 0.625,
  'dynamodb.readUnits': 0.125,
  // Requests are not billed, units are.
  'dynamodb.requests': 0,
  'scheduler.invocation': 1,
  'scheduler.CreateSchedule': 0,
  'scheduler.DeleteSchedule': 0,
  's3.put': 5,
  's3.get': 0.4,
  'lambda.request': 0.2,
  'lambda.gbSecond': 13.3334,
  'httpApi.request': 1,
};
/** Every request to a FIFO queue, whatever it asks. */
const fifoRequest = 0.5;
const keyRequest = 3;

export const storagePerGigabyteMonth = { tables: 0.25, pointInTimeRecovery: 0.2, bucket: 0.023 } as const;

const priceOf = (kind: string): number => {
  if (kind.startsWith('sqs.')) return fifoRequest;
  if (kind.startsWith('kms.')) return keyRequest;
  const price = perMillion[kind];
  if (price === undefined) throw new Error(`${kind} has no price`);
  return price;
};

export const dollarsOf = (requests: Requests): number =>
  [...requests].reduce((sum, [kind, amount]) => sum + (priceOf(kind) * amount) / 1e6, 0);
