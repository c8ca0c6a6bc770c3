import { Duration, RemovalPolicy, Stack, Validations } from 'aws-cdk-lib';
import {
  AttributeType,
  BillingMode,
  type ITable,
  ProjectionType,
  StreamViewType,
  Table,
} from 'aws-cdk-lib/aws-dynamodb';
import { Key } from 'aws-cdk-lib/aws-kms';
import { BlockPublicAccess, Bucket, BucketEncryption, type CfnBucket, HttpMethods } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import type { HubFunction } from './hub-function.ts';

export interface StateProps {
  readonly prefix: string;
  /** Keep tables, bucket and key when the stack goes, and refuse to delete the tables. */
  readonly retain: boolean;
  /** Web origin whose pages may use the presigned URLs of the bucket. */
  readonly corsOrigin: string | undefined;
  /** Used instead of the stack's own tables, which stay. */
  readonly restored: {
    readonly cyclesTable: string | undefined;
    readonly records: { readonly name: string; readonly streamArn: string } | undefined;
  };
}

export type TableAction =
  | 'GetItem'
  | 'BatchGetItem'
  | 'Query'
  | 'Scan'
  | 'PutItem'
  | 'UpdateItem'
  | 'DeleteItem'
  | 'ConditionCheckItem';

/** What reads and writes any record; a transaction is authorised as the writes and checks that it holds. */
export const readAndWrite: readonly TableAction[] = [
  'GetItem',
  'BatchGetItem',
  'Query',
  'PutItem',
  'UpdateItem',
  'DeleteItem',
  'ConditionCheckItem',
];

/** What the cycles are changed by: each call one item, no transactions. */
export const cycleActions: readonly TableAction[] = ['GetItem', 'Query', 'PutItem', 'UpdateItem', 'DeleteItem'];

export type ContentAction = 'read' | 'write' | 'remove';

const contentActions: Readonly<Record<ContentAction, readonly string[]>> = {
  read: ['s3:GetObject'],
  write: ['s3:PutObject', 's3:AbortMultipartUpload'],
  remove: ['s3:DeleteObject'],
};

const indexes = [
  { indexName: 'byMailbox', partitionKey: 'mailboxKey' },
  { indexName: 'byRegarding', partitionKey: 'regardingKey' },
  { indexName: 'byConversation', partitionKey: 'conversationKey' },
] as const;

const text = (name: string) => ({ name, type: AttributeType.STRING });

/** Everything that must survive: the two tables, the bucket of raw bytes, the key that wraps the mailbox secrets. */
export class State extends Construct {
  readonly cycles: ITable;
  readonly records: ITable;
  readonly content: Bucket;
  readonly secretsKey: Key;

  constructor(scope: Construct, id: string, props: StateProps) {
    super(scope, id);
    const removalPolicy = props.retain ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY;
    const table = {
      partitionKey: text('pk'),
      sortKey: text('sk'),
      billingMode: BillingMode.PAY_PER_REQUEST,
      timeToLiveAttribute: 'expiresAt',
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      deletionProtection: props.retain,
      removalPolicy,
    };
    const cycles = new Table(this, 'Cycles', table);
    const records = new Table(this, 'Records', { ...table, stream: StreamViewType.NEW_AND_OLD_IMAGES });
    for (const { indexName, partitionKey } of indexes)
      records.addGlobalSecondaryIndex({
        indexName,
        partitionKey: text(partitionKey),
        sortKey: text('sk'),
        projectionType: ProjectionType.KEYS_ONLY,
      });
    const { restored } = props;
    this.cycles =
      restored.cyclesTable === undefined ? cycles : Table.fromTableName(this, 'RestoredCycles', restored.cyclesTable);
    this.records =
      restored.records === undefined
        ? records
        : Table.fromTableAttributes(this, 'RestoredRecords', {
            tableName: restored.records.name,
            tableStreamArn: restored.records.streamArn,
          });

    this.content = new Bucket(this, 'Content', {
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      encryption: BucketEncryption.S3_MANAGED,
      enforceSSL: true,
      removalPolicy,
      lifecycleRules: [{ id: 'forget-broken-uploads', abortIncompleteMultipartUploadAfter: Duration.days(7) }],
      ...(props.corsOrigin === undefined
        ? {}
        : {
            cors: [
              {
                allowedOrigins: [props.corsOrigin],
                allowedMethods: [HttpMethods.GET, HttpMethods.PUT],
                allowedHeaders: ['content-type'],
                maxAge: 3600,
              },
            ],
          }),
    });
    Validations.of(this.content).acknowledge({
      id: 'AwsSolutions-S1',
      reason:
        'Only the functions read and write the bucket, and each access is in their logs. A log of object keys would be a second store of who wrote to whom; data events of CloudTrail are there for operators who need them.',
    });

    this.secretsKey = new Key(this, 'SecretsKey', {
      description: `Wraps the keys that seal the mailbox secrets of ${props.prefix}`,
      alias: `${props.prefix}-secrets`,
      enableKeyRotation: true,
      removalPolicy,
    });
  }

  allowCycles(target: HubFunction, actions: readonly TableAction[]): void {
    target.allow(dynamodb(actions), [this.cycles.tableArn]);
    target.addEnvironment({ CYCLES_TABLE: this.cycles.tableName });
  }

  allowRecords(target: HubFunction, actions: readonly TableAction[]): void {
    const { tableArn, tableName } = this.records;
    const queried = actions.includes('Query') ? indexes.map(({ indexName }) => `${tableArn}/index/${indexName}`) : [];
    target.allow(dynamodb(actions), [tableArn, ...queried]);
    target.addEnvironment({ RECORDS_TABLE: tableName });
  }

  allowContent(target: HubFunction, actions: readonly ContentAction[]): void {
    target.allow(
      actions.flatMap((action) => contentActions[action]),
      [this.content.arnForObjects('*')],
    );
    // Without the right to list, S3 answers 403 and not 404 for an object that is not there.
    target.allow(['s3:ListBucket'], [this.content.bucketArn]);
    target.addEnvironment({ CONTENT_BUCKET: this.content.bucketName });
    const logicalId = Stack.of(this).getLogicalId(this.content.node.defaultChild as CfnBucket);
    Validations.of(target).acknowledge({
      id: `AwsSolutions-IAM5[Resource::<${logicalId}.Arn>/*]`,
      reason: 'The keys of messages and attachments are not known beforehand; the wildcard ends at our own bucket.',
    });
  }

  /** To open secrets; and to `seal` them, which makes the keys that wrap them when there are none yet. */
  allowSecrets(target: HubFunction, { seal }: { readonly seal: boolean }): void {
    target.allow(seal ? ['kms:Decrypt', 'kms:GenerateDataKey'] : ['kms:Decrypt'], [this.secretsKey.keyArn]);
    target.addEnvironment({ SECRETS_KEY_ID: this.secretsKey.keyArn });
  }
}

const dynamodb = (actions: readonly TableAction[]): string[] => actions.map((action) => `dynamodb:${action}`);
