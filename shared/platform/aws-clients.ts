import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { KMSClient } from '@aws-sdk/client-kms';
import { S3Client } from '@aws-sdk/client-s3';
import { SchedulerClient } from '@aws-sdk/client-scheduler';
import { SQSClient } from '@aws-sdk/client-sqs';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';

let requests = 0;

/** Requests to AWS that the clients of this process have made, repeated ones included. */
export const countRequests = (): number => requests;

const counting =
  <Arguments, Result>(next: (given: Arguments) => Result) =>
  (given: Arguments): Result => {
    requests += 1;
    return next(given);
  };

// The last step before the request goes out, so that each try counts.
const lastStep = { step: 'finalizeRequest', priority: 'low', name: 'countRequests' } as const;

/**
 * How long a try may wait (milliseconds). By itself the SDK waits for minutes where a connection or its answer got lost,
 * as happens to connections that died while a function stood still between two calls: longer than functions may run, so
 * that one lost packet would end the runs of all that were being served. The next try goes over another connection.
 */
const patience = {
  connectionTimeout: 3_000,
  // To the head of the answer. AWS takes milliseconds; a function that reads a large message may not look for seconds.
  requestTimeout: 10_000,
  // Without it the SDK complains and goes on waiting.
  throwOnRequestTimeout: true,
};

/** Some megabytes go out before S3 answers. */
const storagePatience = { ...patience, requestTimeout: 30_000 };

/** Clients read region, credentials and AWS_ENDPOINT_URL from the environment, as the SDK does everywhere. */
export const createDocumentClient = (): DynamoDBDocumentClient => {
  const client = new DynamoDBClient({ requestHandler: patience });
  client.middlewareStack.add(counting, lastStep);
  return DynamoDBDocumentClient.from(client, { marshallOptions: { removeUndefinedValues: true } });
};

export const createQueueClient = (): SQSClient => {
  const client = new SQSClient({ requestHandler: patience });
  client.middlewareStack.add(counting, lastStep);
  return client;
};

export const createSchedulerClient = (): SchedulerClient => {
  const client = new SchedulerClient({ requestHandler: patience });
  client.middlewareStack.add(counting, lastStep);
  return client;
};

export const createKeyClient = (): KMSClient => {
  const client = new KMSClient({ requestHandler: patience });
  client.middlewareStack.add(counting, lastStep);
  return client;
};

export const createStorageClient = (): S3Client => {
  const client = new S3Client({
    requestHandler: storagePatience,
    // Path style, so that presigned URLs also work where the endpoint is an address and not a name.
    forcePathStyle: process.env['AWS_ENDPOINT_URL'] !== undefined,
    // By default the SDK signs the checksum of an empty body into the URL of an upload, which no content has. What the
    // hub uploads itself goes with the SHA-256 of its signature.
    requestChecksumCalculation: 'WHEN_REQUIRED',
  });
  client.middlewareStack.add(counting, lastStep);
  return client;
};
