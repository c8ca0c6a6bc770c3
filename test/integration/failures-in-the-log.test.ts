import { PutCommand } from '@aws-sdk/lib-dynamodb';
import type { Context, DynamoDBRecord, SQSEvent } from 'aws-lambda';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDocumentClient } from '../../shared/platform/aws-clients.ts';
import { createIdentifier } from '../../shared/platform/identifier.ts';
import { captureOutput } from '../support/capture-output.ts';
import { createStreamReader } from './read-stream.ts';
import { startTestApi, type TestApi } from './role-calls.ts';

let api: TestApi;
let changes: DynamoDBRecord[];
let watchdog: (event: object, context: Context) => Promise<unknown>;

beforeAll(async () => {
  api = await startTestApi();
  const organization = await api.createOrganization();
  await organization.as('crm')('PUT', '/records/contact/ext:c-1', { displayName: 'Carl Client' });
  changes = await createStreamReader(process.env['RECORDS_TABLE'] ?? '')();
  watchdog = (await import('../../functions/watchdog/handler.ts')).handler;
  // A table that is not there refuses whatever is asked of it by the functions that are imported after this.
  process.env['RECORDS_TABLE'] = 'gone';
});

afterAll(async () => {
  await api?.stop();
});

interface Line {
  readonly level: string;
  readonly message: string;
  readonly error?: { readonly name: string; readonly message?: string };
}

/** The lines of a function's log that tell of an error; whether its work failed is told apart. */
const errorsOf = async (work: () => Promise<unknown>): Promise<readonly Line[]> =>
  (await captureOutput(work))
    .split('\n')
    .filter((line) => line.startsWith('{') && line.includes('"ERROR"'))
    .map((line): Line => JSON.parse(line));

describe('a function that cannot do its work tells in its log why', () => {
  it('the dead-letters function, which leaves the message where it is', async () => {
    const { handler } = await import('../../functions/dead-letters/handler.ts');
    const message = { v: 1, organizationId: 'org_1', mailboxId: 'mbx_1', workload: 'incoming', generation: 3 };
    const Records = [
      {
        messageId: 'message-1',
        body: JSON.stringify({ ...message, reason: 'timer' }),
        eventSourceARN: 'arn:aws:sqs:us-east-1:000000000000:mailbox-sync-incoming-dead-letters.fifo',
      },
    ];

    let answer: unknown;
    const lines = await errorsOf(async () => {
      answer = await handler({ Records } as unknown as SQSEvent, {} as Context);
    });

    expect(answer).toEqual({ batchItemFailures: [{ itemIdentifier: 'message-1' }] });
    expect(lines.map(({ error }) => error?.name)).toContain('ResourceNotFoundException');
  });

  it('the feed function, which waits for the same delivery again', async () => {
    const { handler } = await import('../../functions/feed/handler.ts');
    expect(changes).not.toEqual([]);

    const lines = await errorsOf(() => expect(handler({ Records: changes })).rejects.toThrow(AggregateError));

    expect(lines.map(({ error }) => error?.name)).toContain('ResourceNotFoundException');
    expect(JSON.stringify(lines)).not.toContain('Carl Client');
  });

  it('the watchdog, which looks after everything else', async () => {
    await createDocumentClient().send(
      new PutCommand({
        TableName: api.cyclesTable,
        Item: { pk: `org_1#${createIdentifier('mbx', Date.now())}`, sk: 'incoming', v: 99 },
      }),
    );

    const lines = await errorsOf(() => expect(watchdog({}, {} as Context)).rejects.toThrow());

    expect(lines.map(({ error }) => error?.message)).toContainEqual(expect.stringContaining('A later release wrote'));
  });
});
