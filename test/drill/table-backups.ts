import {
  CreateBackupCommand,
  DescribeTableCommand,
  DynamoDBClient,
  RestoreTableFromBackupCommand,
  UpdateTableCommand,
  UpdateTimeToLiveCommand,
  waitUntilTableExists,
} from '@aws-sdk/client-dynamodb';
import { callAws } from '../../local/call-aws.ts';
import { readOutput } from '../../local/deployment.ts';
import type { LocalEnvironment } from '../../local/environment.ts';

/** Backups of both tables, by their ARNs. */
export interface Backup {
  readonly cycles: string;
  readonly records: string;
  /** When both were made. */
  readonly at: Date;
}

const mostSeconds = 60;

/** What the guide to restoring tells an operator to do with the tables, by the same requests. */
export const createTableBackups = ({ aws, outputs }: LocalEnvironment) => {
  const client = new DynamoDBClient({
    endpoint: aws.endpointUrl,
    region: aws.region,
    credentials: { accessKeyId: aws.accessKeyId, secretAccessKey: aws.secretAccessKey },
  });

  const backUpTable = async (output: string): Promise<string> => {
    const TableName = readOutput(outputs, output);
    const { BackupDetails } = await client.send(new CreateBackupCommand({ TableName, BackupName: 'drill' }));
    if (BackupDetails?.BackupArn === undefined) throw new Error(`There is no backup of ${TableName}`);
    return BackupDetails.BackupArn;
  };

  /** Neither a stream nor the time to live comes with what is restored. */
  const restoreTable = async (BackupArn: string, TargetTableName: string): Promise<void> => {
    await client.send(new RestoreTableFromBackupCommand({ BackupArn, TargetTableName }));
    await waitUntilTableExists({ client, maxWaitTime: mostSeconds }, { TableName: TargetTableName });
    await client.send(
      new UpdateTimeToLiveCommand({
        TableName: TargetTableName,
        TimeToLiveSpecification: { Enabled: true, AttributeName: 'expiresAt' },
      }),
    );
  };

  const streamOf = async (TableName: string): Promise<string> => {
    const StreamSpecification = { StreamEnabled: true, StreamViewType: 'NEW_AND_OLD_IMAGES' as const };
    await client.send(new UpdateTableCommand({ TableName, StreamSpecification }));
    const { Table } = await client.send(new DescribeTableCommand({ TableName }));
    if (Table?.LatestStreamArn === undefined) throw new Error(`${TableName} has no stream`);
    return Table.LatestStreamArn;
  };

  return {
    backUp: async (): Promise<Backup> => {
      const [cycles, records] = await Promise.all([backUpTable('CyclesTableName'), backUpTable('RecordsTableName')]);
      return { cycles, records, at: new Date() };
    },

    /** Restores both into new tables. Returns the options with which the stack is to be deployed on them. */
    restore: async (backup: Backup): Promise<Readonly<Record<string, string>>> => {
      const name = (table: string): string => `${table}-of-${backup.at.getTime()}`;
      await Promise.all([restoreTable(backup.cycles, name('cycles')), restoreTable(backup.records, name('records'))]);
      return {
        restoredCyclesTable: name('cycles'),
        restoredRecordsStream: await streamOf(name('records')),
      };
    },

    /** Invokes the function that brings restored tables in line with the world. Returns what it says. */
    recover: async ({ at }: Backup): Promise<{ readonly doubtedSends: number; readonly restartedCycles: number }> => {
      const path = `/2015-03-31/functions/${readOutput(outputs, 'RecoveryFunctionName')}/invocations`;
      const body = JSON.stringify({ records: at, cycles: at });
      return JSON.parse(await callAws(aws, 'lambda', path, 'application/json', body));
    },
  };
};
