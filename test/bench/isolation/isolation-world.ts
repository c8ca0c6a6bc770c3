import { fork } from 'node:child_process';
import { once } from 'node:events';
import type { DynamoDBStreamEvent } from 'aws-lambda';
import { createStreamReader } from '../../integration/read-stream.ts';
import { type ApiCall, startTestApi, type TestApi } from '../../integration/role-calls.ts';
import { type MailServers, type MailUser, startTestMailServers } from '../../support/mail-servers.ts';
import { enableStoredMailbox, storeServerProfile } from '../../support/synchronized-mailbox.ts';
import { startWebhookEndpoint, type WebhookEndpoint } from '../../support/webhook-endpoint.ts';
import { capacities } from './lane-capacity.ts';

export interface IsolationOrganization {
  readonly id: string;
  readonly call: ApiCall;
  readonly profileId: string;
  readonly mailboxIds: readonly string[];
  /** Whose they are, in the same order. */
  readonly userIds: readonly string[];
}

/** Two organizations on one deployment: every lane's function in a process of its own, real queues and mail servers. */
export interface IsolationWorld {
  readonly api: TestApi;
  readonly servers: MailServers;
  readonly endpoint: WebhookEndpoint;
  readonly flooding: IsolationOrganization;
  readonly other: IsolationOrganization;
  readonly expect: (answer: ReturnType<ApiCall>) => ReturnType<ApiCall>;
  readonly stop: () => Promise<void>;
}

export const expectDone: IsolationWorld['expect'] = async (answer) => {
  const { status, body } = await answer;
  if (status >= 300) throw new Error(`Answered ${status}: ${JSON.stringify(body)}`);
  return answer;
};

/** Mailboxes of the flooding organization; the other one has one. */
const floodingMailboxes = 12;

const startWorker = async (capacity: (typeof capacities)[number], sharePercent: number) => {
  const child = fork(`${import.meta.dirname}/lane-worker.ts`, [], {
    env: {
      ...process.env,
      LANE_CAPACITY: JSON.stringify(capacity),
      LANE_CONCURRENCY: String(capacity.concurrency),
      ORGANIZATION_SHARE_PERCENT: String(sharePercent),
    },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  await once(child, 'message');
  return async (): Promise<void> => {
    const ended = once(child, 'exit');
    child.send('end');
    await ended;
  };
};

const createOrganization = async (
  api: TestApi,
  servers: MailServers,
  users: readonly MailUser[],
): Promise<IsolationOrganization> => {
  const organization = await api.createOrganization();
  const call = organization.as('admin');
  const outgoing = { sandboxAllow: ['*'], saveToSentItems: false, allowUnresolvedRecipients: true };
  await expectDone(call('PATCH', '/settings', { outgoing }));
  const profile = await storeServerProfile(api.services, organization.id, servers.environment, { maxConnections: 20 });
  const mailboxIds: string[] = [];
  const userIds: string[] = [];
  for (const mailUser of users) {
    const fields = { fullName: mailUser.address, emailAddress: mailUser.address, filtering: 'all' };
    const { body } = await expectDone(call('PUT', `/users/ext:${mailUser.address}`, fields));
    await enableStoredMailbox(api.services, organization.id, body.mailboxId, {
      serverProfileId: profile.id,
      mailUser,
      workloads: ['incoming', 'outgoing'],
    });
    mailboxIds.push(body.mailboxId);
    userIds.push(body.id);
  }
  return { id: organization.id, call, profileId: profile.id, mailboxIds, userIds };
};

/** Hands what is written to the feed function, as its event source does. */
const pumpFeed = async (): Promise<() => Promise<void>> => {
  const { handler } = await import('../../../functions/feed/handler.ts');
  const read = createStreamReader(process.env['RECORDS_TABLE'] ?? '', 1);
  let stopped = false;
  const pump = async (): Promise<void> => {
    while (!stopped) {
      const Records = await read();
      if (Records.length > 0)
        await handler({ Records, shardId: 'shard-1' } as DynamoDBStreamEvent & { shardId: string });
      // The emulator's stream has nobody to wake: who finds it empty looks again.
      else await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };
  const pumping = pump();
  return async () => {
    stopped = true;
    await pumping;
  };
};

/** @param sharePercent what each organization may hold of a lane; 100: all of it */
export const startIsolationWorld = async (sharePercent: number): Promise<IsolationWorld> => {
  process.env['POWERTOOLS_LOG_LEVEL'] ??= 'SILENT';
  process.env['POWERTOOLS_METRICS_DISABLED'] = 'true';
  const addresses = Array.from({ length: floodingMailboxes + 1 }, (_, index) => `user${index + 1}@example.test`);
  const [api, servers, endpoint] = await Promise.all([
    startTestApi(),
    startTestMailServers({ addresses }),
    startWebhookEndpoint(),
  ]);
  const [first, ...rest] = servers.environment.users;
  if (first === undefined) throw new Error('There are no mail users');
  const other = await createOrganization(api, servers, [first]);
  const flooding = await createOrganization(api, servers, rest);
  const stopWorkers = await Promise.all(capacities.map((capacity) => startWorker(capacity, sharePercent)));
  const stopFeed = await pumpFeed();
  return {
    api,
    servers,
    endpoint,
    flooding,
    other,
    expect: expectDone,
    stop: async () => {
      await stopFeed();
      await Promise.all(stopWorkers.map((stop) => stop()));
      await endpoint.stop();
      await servers.stop();
      await api.stop();
    },
  };
};
