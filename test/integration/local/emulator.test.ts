import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { CreateScheduleCommand, SchedulerClient } from '@aws-sdk/client-scheduler';
import { ReceiveMessageCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { callAws } from '../../../local/call-aws.ts';
import { childEnvironment } from '../../../local/child-environment.ts';
import { runGuarded } from '../../../local/guarded-process.ts';
import { createRunDirectory, type RunDirectory } from '../../../local/paths.ts';
import { silentProgress } from '../../../local/progress.ts';
import { ensurePythonEnvironment } from '../../../local/python-environment.ts';
import { eventually } from '../../support/eventually.ts';
import { type HubResources, startTestCloud, type TestCloud } from '../../support/local-cloud.ts';

const groups = 8;
const messagesPerGroup = 3;

// Tells the begin and the end of each message. The first messages of the groups wait for each other: they all begin
// only if as many batches are in flight as there are groups.
const handlerSource = `
import { appendFileSync, readFileSync } from 'node:fs';
const file = process.env.TOLD;
const wait = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const begun = () => readFileSync(file, 'utf8').split('\\n').filter((line) => / 1 begin$/.test(line)).length;
export const handler = async ({ Records }) => {
  for (const { body } of Records) {
    appendFileSync(file, body + ' begin\\n');
    if (body.endsWith(' 1')) for (let tries = 0; begun() < ${groups} && tries < 400; tries += 1) await wait(50);
    appendFileSync(file, body + ' end\\n');
  }
  return { batchItemFailures: [] };
};
`;

let cloud: TestCloud;
let resources: HubResources;
let run: RunDirectory;

beforeAll(async () => {
  run = await createRunDirectory();
  cloud = await startTestCloud({ persist: true });
  resources = await cloud.createHubResources();
});

afterAll(async () => {
  await cloud.stop();
  await run.remove();
});

const variable = (name: string): string => {
  const value = resources.variables[name];
  if (value === undefined) throw new Error(`No ${name}`);
  return value;
};

const zip = async (source: string): Promise<string> => {
  const python = await ensurePythonEnvironment(run.path, silentProgress);
  await writeFile(join(run.path, 'index.mjs'), source);
  await runGuarded({
    name: 'zip',
    file: python,
    args: ['-m', 'zipfile', '-c', 'code.zip', 'index.mjs'],
    environment: childEnvironment(),
    workingDirectory: run.path,
    logFile: join(run.path, 'zip.log'),
  });
  return await readFile(join(run.path, 'code.zip'), 'base64');
};

const callLambda = (path: string, body: object): Promise<string> =>
  callAws(cloud.emulator.aws, 'lambda', path, 'application/json', JSON.stringify(body));

describe('the emulator', () => {
  it('runs the message groups of one FIFO queue at once, and each group in order', async () => {
    const told = join(run.path, 'told');
    await writeFile(told, '');
    await callLambda('/2015-03-31/functions', {
      FunctionName: 'teller',
      Runtime: 'nodejs24.x',
      Role: 'arn:aws:iam::000000000000:role/teller',
      Handler: 'index.handler',
      Timeout: 60,
      Code: { ZipFile: await zip(handlerSource) },
      Environment: { Variables: { TOLD: told } },
    });
    const sqs = new SQSClient(cloud.clientConfiguration);
    for (let number = 1; number <= messagesPerGroup; number += 1) {
      for (let group = 1; group <= groups; group += 1) {
        await sqs.send(
          new SendMessageCommand({
            QueueUrl: variable('INCOMING_QUEUE_URL'),
            MessageGroupId: `group-${group}`,
            MessageBody: `group-${group} ${number}`,
          }),
        );
      }
    }

    await callLambda('/2015-03-31/event-source-mappings/', {
      EventSourceArn: variable('INCOMING_QUEUE_ARN'),
      FunctionName: 'teller',
      BatchSize: 1,
      FunctionResponseTypes: ['ReportBatchItemFailures'],
      ScalingConfig: { MaximumConcurrency: groups },
    });

    const lines = await eventually(
      async () => {
        const text = (await readFile(told, 'utf8')).trim().split('\n');
        return text.length === groups * messagesPerGroup * 2 ? text : undefined;
      },
      { what: 'all messages are handled', seconds: 50 },
    );
    const firstEnd = lines.findIndex((line) => line.endsWith(' end'));
    expect(new Set(lines.slice(0, firstEnd)).size).toBe(groups);
    for (let group = 1; group <= groups; group += 1) {
      const own = lines
        .filter((line) => line.startsWith(`group-${group} `))
        .map((line) => line.split(' ').slice(1).join(' '));
      expect(own).toEqual(['1 begin', '1 end', '2 begin', '2 end', '3 begin', '3 end']);
    }
  });

  it('fires a one-shot timer into its queue within seconds of its time', async () => {
    const at = new Date(Date.now() + 1000).toISOString().slice(0, 19);
    await new SchedulerClient(cloud.clientConfiguration).send(
      new CreateScheduleCommand({
        Name: 'mbx-incoming-1',
        GroupName: variable('SCHEDULE_GROUP'),
        ScheduleExpression: `at(${at})`,
        ActionAfterCompletion: 'DELETE',
        FlexibleTimeWindow: { Mode: 'OFF' },
        Target: {
          Arn: variable('OUTGOING_QUEUE_ARN'),
          RoleArn: variable('SCHEDULER_ROLE_ARN'),
          Input: '{"mailboxId":"mbx"}',
          SqsParameters: { MessageGroupId: 'mbx' },
        },
      }),
    );

    const client = new SQSClient(cloud.clientConfiguration);
    const received = await eventually(
      async () => {
        const command = new ReceiveMessageCommand({ QueueUrl: variable('OUTGOING_QUEUE_URL'), WaitTimeSeconds: 5 });
        const { Messages = [] } = await client.send(command);
        return Messages.length > 0 ? Messages : undefined;
      },
      { what: 'the message of the timer' },
    );

    expect(received.map(({ Body }) => Body)).toEqual(['{"mailboxId":"mbx"}']);
  });

  it('keeps its state over a stop and a start, at the same address', async () => {
    const table = variable('CYCLES_TABLE');
    const client = new DynamoDBClient(cloud.clientConfiguration);
    await client.send(new PutCommand({ TableName: table, Item: { pk: 'mbx', sk: 'incoming', generation: 7 } }));

    await cloud.emulator.stop();
    await cloud.emulator.start();

    const { Item } = await client.send(new GetCommand({ TableName: table, Key: { pk: 'mbx', sk: 'incoming' } }));
    expect(Item).toEqual({ pk: 'mbx', sk: 'incoming', generation: 7 });
  });
});
