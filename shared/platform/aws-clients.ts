import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { KMSClient } from '@aws-sdk/client-kms';
import { S3Client } from '@aws-sdk/client-s3';
import { SchedulerClient } from '@aws-sdk/client-scheduler';
import { SQSClient } from '@aws-sdk/client-sqs';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';

/** Clients read region, credentials and AWS_ENDPOINT_URL from the environment, as the SDK does everywhere. */
export const createDocumentClient = (): DynamoDBDocumentClient =>
  DynamoDBDocumentClient.from(new DynamoDBClient({}), { marshallOptions: { removeUndefinedValues: true } });

export const createQueueClient = (): SQSClient => new SQSClient({});
export const createSchedulerClient = (): SchedulerClient => new SchedulerClient({});
export const createKeyClient = (): KMSClient => new KMSClient({});

// Path style, so that presigned URLs also work where the endpoint is an address and not a name.
export const createStorageClient = (): S3Client =>
  new S3Client({ forcePathStyle: process.env['AWS_ENDPOINT_URL'] !== undefined });
