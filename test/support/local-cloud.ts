import { randomBytes } from 'node:crypto';
import { CreateTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { CreateKeyCommand, KMSClient } from '@aws-sdk/client-kms';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { CreateScheduleGroupCommand, SchedulerClient } from '@aws-sdk/client-scheduler';
import { CreateQueueCommand, GetQueueAttributesCommand, type QueueAttributeName, SQSClient } from '@aws-sdk/client-sqs';
import { type AwsEndpoint, awsEnvironment } from '../../local/child-environment.ts';
import { type Emulator, startEmulator } from '../../local/emulator.ts';
import { createRunDirectory } from '../../local/paths.ts';
import { ensurePrerequisites } from '../../local/prerequisites.ts';
import { createProgress } from '../../local/progress.ts';
import { ensurePythonEnvironment } from '../../local/python-environment.ts';

/** Tables, queues, bucket, key and timer group as the stack makes them, without functions. */
export type HubResources = {
  /** The environment of the functions, and AWS_* besides: a test assigns it to `process.env`. */
  readonly variables: Readonly<Record<string, string>>;
  readonly deadLetterQueueUrls: Readonly<Record<'incoming' | 'outgoing' | 'operations', string>>;
};

export type TestCloud = {
  readonly emulator: Emulator;
  /** How a client of the SDK reaches it. */
  readonly clientConfiguration: {
    readonly endpoint: string;
    readonly region: string;
    readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  };
  /** Makes one more set of resources, apart from all others. */
  readonly createHubResources: () => Promise<HubResources>;
  readonly stop: () => Promise<void>;
};

const account = '000000000000';
const laneVisibilitySeconds = 90;
const maxReceiveCount = 50;

const clientConfigurationOf = (aws: AwsEndpoint): TestCloud['clientConfiguration'] => ({
  endpoint: aws.endpointUrl,
  region: aws.region,
  credentials: { accessKeyId: aws.accessKeyId, secretAccessKey: aws.secretAccessKey },
});

const createTable = async (
  client: DynamoDBClient,
  TableName: string,
  indexes: readonly (readonly [string, string])[],
) => {
  const attributes = ['pk', 'sk', ...indexes.map(([, partitionKey]) => partitionKey)];
  const key = (hash: string) => [
    { AttributeName: hash, KeyType: 'HASH' as const },
    { AttributeName: 'sk', KeyType: 'RANGE' as const },
  ];
  await client.send(
    new CreateTableCommand({
      TableName,
      BillingMode: 'PAY_PER_REQUEST',
      KeySchema: key('pk'),
      AttributeDefinitions: attributes.map((AttributeName) => ({ AttributeName, AttributeType: 'S' })),
      ...(indexes.length === 0
        ? {}
        : {
            StreamSpecification: { StreamEnabled: true, StreamViewType: 'NEW_AND_OLD_IMAGES' },
            GlobalSecondaryIndexes: indexes.map(([IndexName, partitionKey]) => ({
              IndexName,
              KeySchema: key(partitionKey),
              Projection: { ProjectionType: 'KEYS_ONLY' },
            })),
          }),
    }),
  );
};

const createQueue = async (client: SQSClient, QueueName: string, more: Partial<Record<QueueAttributeName, string>>) => {
  const isFifo = QueueName.endsWith('.fifo');
  const fifo = {
    FifoQueue: 'true',
    ContentBasedDeduplication: 'true',
    DeduplicationScope: 'messageGroup',
    FifoThroughputLimit: 'perMessageGroupId',
  };
  const created = await client.send(
    new CreateQueueCommand({ QueueName, Attributes: { ...(isFifo ? fifo : {}), ...more } }),
  );
  // What stands between the functions and their queues is reached by the address of the queue, as the SDK does.
  const between = process.env['AWS_ENDPOINT_URL_SQS'];
  const url = created.QueueUrl ?? '';
  const { Attributes } = await client.send(
    new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: ['QueueArn'] }),
  );
  const reached = between === undefined ? url : new URL(new URL(url).pathname, between).href;
  return { url: reached, arn: Attributes?.QueueArn ?? '' };
};

const createLaneQueues = async (client: SQSClient, prefix: string, lane: string) => {
  const dead = await createQueue(client, `${prefix}-${lane}-dead-letters.fifo`, {});
  const queue = await createQueue(client, `${prefix}-${lane}.fifo`, {
    VisibilityTimeout: String(laneVisibilitySeconds),
    RedrivePolicy: JSON.stringify({ deadLetterTargetArn: dead.arn, maxReceiveCount }),
  });
  return { dead, queue };
};

const createHubResources = async (aws: AwsEndpoint): Promise<HubResources> => {
  const configuration = clientConfigurationOf(aws);
  // As the SDK does with the clients of the functions: tables may stand elsewhere than all else.
  const endpoint = process.env['AWS_ENDPOINT_URL_DYNAMODB'] ?? configuration.endpoint;
  const dynamodb = new DynamoDBClient({ ...configuration, endpoint });
  const sqs = new SQSClient(configuration);
  const prefix = `test-${randomBytes(4).toString('hex')}`;
  await createTable(dynamodb, `${prefix}-cycles`, []);
  await createTable(dynamodb, `${prefix}-records`, [
    ['byMailbox', 'mailboxKey'],
    ['byRegarding', 'regardingKey'],
    ['byConversation', 'conversationKey'],
  ]);
  const storage = new S3Client({ ...configuration, forcePathStyle: true });
  await storage.send(new CreateBucketCommand({ Bucket: `${prefix}-content` }));
  const { KeyMetadata } = await new KMSClient(configuration).send(new CreateKeyCommand({}));
  await new SchedulerClient(configuration).send(new CreateScheduleGroupCommand({ Name: `${prefix}-timers` }));
  const incoming = await createLaneQueues(sqs, prefix, 'incoming');
  const outgoing = await createLaneQueues(sqs, prefix, 'outgoing');
  const operations = await createLaneQueues(sqs, prefix, 'operations');
  const webhooks = await createLaneQueues(sqs, prefix, 'webhooks');
  const undelivered = await createQueue(sqs, `${prefix}-scheduler-dead-letters`, {});
  return {
    variables: {
      ...awsEnvironment(aws),
      CYCLES_TABLE: `${prefix}-cycles`,
      RECORDS_TABLE: `${prefix}-records`,
      CONTENT_BUCKET: `${prefix}-content`,
      SECRETS_KEY_ID: KeyMetadata?.Arn ?? '',
      INCOMING_QUEUE_URL: incoming.queue.url,
      OUTGOING_QUEUE_URL: outgoing.queue.url,
      OPERATIONS_QUEUE_URL: operations.queue.url,
      WEBHOOKS_QUEUE_URL: webhooks.queue.url,
      INCOMING_QUEUE_ARN: incoming.queue.arn,
      OUTGOING_QUEUE_ARN: outgoing.queue.arn,
      OPERATIONS_QUEUE_ARN: operations.queue.arn,
      WEBHOOKS_QUEUE_ARN: webhooks.queue.arn,
      SCHEDULE_GROUP: `${prefix}-timers`,
      SCHEDULER_ROLE_ARN: `arn:aws:iam::${account}:role/${prefix}-timers`,
      SCHEDULER_DEAD_LETTER_ARN: undelivered.arn,
      LANE_TIMEOUT_SECONDS: '60',
      LANE_VISIBILITY_SECONDS: String(laneVisibilitySeconds),
      LANE_CONCURRENCY: '100',
      ORGANIZATION_SHARE_PERCENT: '40',
      WATCHDOG_PERIOD_SECONDS: '60',
      ALLOWED_HOST_RANGES: '127.0.0.0/8,::1/128',
      HOST_CONNECTION_CAPS: '{}',
      ALLOW_INSECURE_CREDENTIALS: 'false',
      IDENTITY_PROVIDER: '',
      HUB_URL: 'https://hub.example',
      VERSION: 'test',
      POWERTOOLS_SERVICE_NAME: 'mailbox-sync',
      POWERTOOLS_METRICS_NAMESPACE: 'MailboxSync',
    },
    deadLetterQueueUrls: {
      incoming: incoming.dead.url,
      outgoing: outgoing.dead.url,
      operations: operations.dead.url,
    },
  };
};

/** Starts an emulator for one test file; `persist` keeps its state over a stop and a start. */
export const startTestCloud = async (options: { readonly persist?: boolean } = {}): Promise<TestCloud> => {
  const run = await createRunDirectory();
  try {
    const progress = createProgress(process.stderr);
    await ensurePrerequisites(run.path, progress);
    const python = await ensurePythonEnvironment(run.path, progress);
    const emulator = await startEmulator({ python, runDirectory: run.path, persist: options.persist ?? false });
    return {
      emulator,
      clientConfiguration: clientConfigurationOf(emulator.aws),
      createHubResources: () => createHubResources(emulator.aws),
      stop: async () => {
        await emulator.stop();
        await run.remove();
      },
    };
  } catch (error) {
    await run.remove();
    throw error;
  }
};
