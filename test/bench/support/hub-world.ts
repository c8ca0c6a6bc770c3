import { UpdateCommand } from '@aws-sdk/lib-dynamodb';
import type { DynamoDBStreamEvent, SQSEvent } from 'aws-lambda';
import { type Cycle, cycleSchema } from '../../../shared/cycle/cycle.ts';
import type { SynchronizedWorkload } from '../../../shared/mailbox/mailbox.ts';
import { createDocumentClient } from '../../../shared/platform/aws-clients.ts';
import { createStreamReader } from '../../integration/read-stream.ts';
import { type ApiCall, startTestApi, type TestApi } from '../../integration/role-calls.ts';
import { type MailServers, type MailUser, startTestMailServers } from '../../support/mail-servers.ts';
import { contextOf, type LaneHandler, loadLaneHandler } from '../../support/run-lane.ts';
import { enableStoredMailbox, storeServerProfile } from '../../support/synchronized-mailbox.ts';

export interface BenchMailbox {
  readonly mailboxId: string;
  readonly mailUser: MailUser;
}

/** What is done around an invocation of a function: counting, measuring. */
export type Around = (invoke: () => Promise<void>) => Promise<unknown>;

const functionMilliseconds = 120_000;
const plainly: Around = (invoke) => invoke();

/** The functions of the hub in this process, on the emulator and real mail servers, each called by hand. */
export interface HubWorld {
  readonly api: TestApi;
  readonly servers: MailServers;
  readonly organizationId: string;
  readonly call: ApiCall;
  readonly mailboxes: readonly BenchMailbox[];
  readonly cycle: (mailboxId: string, workload: SynchronizedWorkload) => Promise<Cycle>;
  /** The event of such an invocation, for a function that runs elsewhere. */
  readonly prepare: (workload: SynchronizedWorkload, mailboxIds: readonly string[]) => Promise<SQSEvent>;
  /** One invocation of a lane with the cycles of these mailboxes, which are made due. */
  readonly run: (workload: SynchronizedWorkload, mailboxIds: readonly string[], around?: Around) => Promise<void>;
  /** One invocation of the feed function with all that was written since the last; returns how many records. */
  readonly feed: (around?: Around) => Promise<number>;
  readonly stop: () => Promise<void>;
}

export const startHubWorld = async (options: {
  readonly mailboxes: number;
  readonly settings?: object;
  readonly messageSizeLimit?: number;
  /** So many of them, the last ones, are read by POP3 [0]. */
  readonly pop3Mailboxes?: number;
}): Promise<HubWorld> => {
  process.env['POWERTOOLS_LOG_LEVEL'] ??= 'SILENT';
  process.env['POWERTOOLS_METRICS_DISABLED'] = 'true';
  const addresses = Array.from({ length: options.mailboxes }, (_, index) => `user${index + 1}@example.test`);
  const [api, servers] = await Promise.all([
    startTestApi(),
    startTestMailServers({
      addresses,
      ...(options.messageSizeLimit === undefined ? {} : { messageSizeLimit: options.messageSizeLimit }),
    }),
  ]);
  const handlers: Readonly<Record<SynchronizedWorkload, LaneHandler>> = {
    incoming: await loadLaneHandler('incoming'),
    outgoing: await loadLaneHandler('outgoing'),
  };
  const { handler: feed } = await import('../../../functions/feed/handler.ts');
  const readStream = createStreamReader(process.env['RECORDS_TABLE'] ?? '');
  const document = createDocumentClient();
  const organization = await api.createOrganization();
  const call = organization.as('admin');
  const expect = async (answer: ReturnType<ApiCall>) => {
    const { status, body } = await answer;
    if (status >= 300) throw new Error(`Answered ${status}: ${JSON.stringify(body)}`);
    return body;
  };
  await expect(call('PATCH', '/settings', { outgoing: { sandboxAllow: ['*'] }, ...options.settings }));
  const { services } = api;
  const imap = await storeServerProfile(services, organization.id, servers.environment, { maxConnections: 50 });
  const pop3 = await storeServerProfile(services, organization.id, servers.environment, {
    kind: 'pop3Smtp',
    incoming: { protocol: 'pop3', ...servers.environment.pop3 },
    maxConnections: 50,
  });
  const mailboxes: BenchMailbox[] = [];
  for (const mailUser of servers.environment.users) {
    const fields = { fullName: mailUser.address, emailAddress: mailUser.address, filtering: 'all' };
    const user = await expect(call('PUT', `/users/ext:${mailUser.address}`, fields));
    const { mailboxId } = user;
    await enableStoredMailbox(services, organization.id, mailboxId, {
      serverProfileId: mailboxes.length < options.mailboxes - (options.pop3Mailboxes ?? 0) ? imap.id : pop3.id,
      mailUser,
      workloads: ['incoming', 'outgoing'],
    });
    mailboxes.push({ mailboxId, mailUser });
  }
  for (const lane of ['incoming', 'outgoing'] as const) await api.receive(lane);

  const cycle: HubWorld['cycle'] = async (mailboxId, workload) =>
    cycleSchema.parse(await api.cycleItem(`${organization.id}#${mailboxId}`, workload));
  const makeDue = (mailboxId: string, workload: SynchronizedWorkload) =>
    document.send(
      new UpdateCommand({
        TableName: api.cyclesTable,
        Key: { pk: `${organization.id}#${mailboxId}`, sk: workload },
        UpdateExpression: 'SET due = :now',
        ExpressionAttributeValues: { ':now': Date.now() },
      }),
    );

  const prepare = async (workload: SynchronizedWorkload, mailboxIds: readonly string[]): Promise<SQSEvent> => {
    const Records = await Promise.all(
      mailboxIds.map(async (mailboxId, index) => {
        const { generation } = await cycle(mailboxId, workload);
        await makeDue(mailboxId, workload);
        const body = { v: 1, organizationId: organization.id, mailboxId, workload, generation, reason: 'timer' };
        return {
          messageId: `message-${index}`,
          receiptHandle: 'none',
          body: JSON.stringify(body),
          attributes: { MessageGroupId: mailboxId, ApproximateReceiveCount: '1' },
        };
      }),
    );
    return { Records } as unknown as SQSEvent;
  };

  return {
    api,
    servers,
    organizationId: organization.id,
    call,
    mailboxes,
    cycle,
    prepare,
    run: async (workload, mailboxIds, around = plainly) => {
      const event = await prepare(workload, mailboxIds);
      await around(async () => {
        const answer = await handlers[workload](event, contextOf(functionMilliseconds));
        if ((answer?.batchItemFailures.length ?? 0) > 0) throw new Error('A cycle was not done');
      });
    },
    feed: async (around = plainly) => {
      const Records = await readStream();
      if (Records.length > 0)
        await around(async () => {
          await feed({ Records, shardId: 'shard-1' } as DynamoDBStreamEvent & { shardId: string });
        });
      return Records.length;
    },
    stop: async () => {
      await servers.stop();
      await api.stop();
    },
  };
};
