import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DeleteScheduleCommand, paginateListSchedules, SchedulerClient } from '@aws-sdk/client-scheduler';
import { PurgeQueueCommand, SQSClient } from '@aws-sdk/client-sqs';
import { DynamoDBDocumentClient, GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import { callAws } from '../../local/call-aws.ts';
import { readOutput } from '../../local/deployment.ts';
import type { LocalEnvironment } from '../../local/environment.ts';

interface EventSource {
  readonly UUID: string;
  readonly FunctionArn: string;
  readonly EventSourceArn: string;
  readonly FilterCriteria?: unknown;
  readonly TumblingWindowInSeconds?: number;
}

const jsonType = 'application/x-amz-json-1.1';
const eventSources = '/2015-03-31/event-source-mappings/';

/** What an operator can do to the deployment beside the product's own API, by mistake or in a drill. */
export const createCloudTools = ({ aws, outputs }: LocalEnvironment) => {
  const client = {
    endpoint: aws.endpointUrl,
    region: aws.region,
    credentials: { accessKeyId: aws.accessKeyId, secretAccessKey: aws.secretAccessKey },
  };
  const scheduler = new SchedulerClient(client);
  const queues = new SQSClient(client);
  const document = DynamoDBDocumentClient.from(new DynamoDBClient(client));
  const cyclesTable = readOutput(outputs, 'CyclesTableName');
  const prefix = readOutput(outputs, 'WatchdogFunctionName').replace(/-watchdog$/, '');

  const findEventSource = async (functionName: string): Promise<EventSource> => {
    const answer = await callAws(aws, 'lambda', eventSources, 'application/json', '', { method: 'GET' });
    const { EventSourceMappings } = JSON.parse(answer) as { readonly EventSourceMappings: readonly EventSource[] };
    const found = EventSourceMappings.find(({ FunctionArn }) => FunctionArn.endsWith(`:${functionName}`));
    if (found === undefined) throw new Error(`${functionName} has no event source`);
    return found;
  };

  return {
    /** Deletes all that stand and returns their names. */
    deleteSchedules: async (): Promise<readonly string[]> => {
      const GroupName = readOutput(outputs, 'ScheduleGroupName');
      const names: string[] = [];
      for await (const { Schedules = [] } of paginateListSchedules({ client: scheduler }, { GroupName }))
        names.push(...Schedules.map(({ Name = '' }) => Name));
      await Promise.all(
        names.map((Name) =>
          scheduler.send(new DeleteScheduleCommand({ Name, GroupName })).catch((error: Error) => {
            // It has fired meanwhile.
            if (error.name !== 'ResourceNotFoundException') throw error;
          }),
        ),
      );
      return names;
    },

    purgeQueues: async (): Promise<void> => {
      const names = ['IncomingQueueUrl', 'OutgoingQueueUrl', 'OperationsQueueUrl'];
      await Promise.all(
        names.map((name) => queues.send(new PurgeQueueCommand({ QueueUrl: readOutput(outputs, name) }))),
      );
    },

    /** Replaces the item of a cycle by what `tear` makes of it. */
    tearCycle: async (
      organizationId: string,
      mailboxId: string,
      workload: 'incoming' | 'outgoing',
      tear: (item: Readonly<Record<string, unknown>>) => Readonly<Record<string, unknown>>,
    ): Promise<void> => {
      const Key = { pk: `${organizationId}#${mailboxId}`, sk: workload };
      const { Item = {} } = await document.send(new GetCommand({ TableName: cyclesTable, Key, ConsistentRead: true }));
      await document.send(new PutCommand({ TableName: cyclesTable, Item: { ...tear(Item), ...Key } }));
    },

    setEventSource: async (name: string, enabled: boolean): Promise<void> => {
      const { UUID } = await findEventSource(`${prefix}-${name}`);
      const body = JSON.stringify({ Enabled: enabled });
      await callAws(aws, 'lambda', `${eventSources}${UUID}`, 'application/json', body, { method: 'PUT' });
    },

    /** Lets a second reader go through the whole stream once more, beside the first. Returns what ends it. */
    readStreamAgain: async (name: string): Promise<() => Promise<void>> => {
      const functionName = `${prefix}-${name}`;
      const { EventSourceArn, FilterCriteria, TumblingWindowInSeconds } = await findEventSource(functionName);
      const body = JSON.stringify({
        FunctionName: functionName,
        EventSourceArn,
        FilterCriteria,
        TumblingWindowInSeconds,
        StartingPosition: 'TRIM_HORIZON',
        BatchSize: 100,
        Enabled: true,
      });
      const answer = await callAws(aws, 'lambda', eventSources, 'application/json', body);
      const { UUID } = JSON.parse(answer) as { readonly UUID: string };
      return async () => {
        await callAws(aws, 'lambda', `${eventSources}${UUID}`, 'application/json', '', { method: 'DELETE' });
      };
    },

    setTimeout: async (name: string, seconds: number): Promise<void> => {
      const path = `/2015-03-31/functions/${prefix}-${name}/configuration`;
      await callAws(aws, 'lambda', path, 'application/json', JSON.stringify({ Timeout: seconds }), { method: 'PUT' });
    },

    /** The lines that a function has written since then. */
    readLog: async (name: string, since: number): Promise<readonly string[]> => {
      const lines: string[] = [];
      let nextToken: string | undefined;
      do {
        const body = JSON.stringify({
          logGroupName: `/aws/lambda/${prefix}-${name}`,
          startTime: since,
          ...(nextToken === undefined ? {} : { nextToken }),
        });
        const page = JSON.parse(
          await callAws(aws, 'logs', '/', jsonType, body, { target: 'Logs_20140328.FilterLogEvents' }),
        ) as { readonly events: readonly { readonly message: string }[]; readonly nextToken?: string };
        lines.push(...page.events.flatMap(({ message }) => message.split('\n')));
        nextToken = page.nextToken;
      } while (nextToken !== undefined);
      return lines;
    },

    /** Names of the deployment's alarms, without its prefix. */
    listAlarms: async (): Promise<readonly string[]> => {
      const target = 'GraniteServiceVersion20100801.DescribeAlarms';
      const body = JSON.stringify({ AlarmNamePrefix: prefix, MaxRecords: 100 });
      const answer = JSON.parse(
        await callAws(aws, 'monitoring', '/', 'application/x-amz-json-1.0', body, { target }),
      ) as {
        readonly MetricAlarms: readonly { readonly AlarmName: string }[];
      };
      return answer.MetricAlarms.map(({ AlarmName }) => AlarmName.slice(prefix.length + 1));
    },
  };
};

export type CloudTools = ReturnType<typeof createCloudTools>;
