import { GetQueueAttributesCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { eventually } from '../../support/eventually.ts';
import { startSilentServer } from '../../support/silent-server.ts';
import { enableStoredMailbox, storeServerProfile } from '../../support/synchronized-mailbox.ts';
import type { IsolationWorld } from './isolation-world.ts';
import { deadlyMark } from './lane-capacity.ts';

/** What the flooding organization does to a lane; it goes on until it is stopped. */
export interface Flood {
  /** By which ISOLATION_FLOODS chooses it. */
  readonly name: string;
  readonly what: string;
  readonly start: (
    world: IsolationWorld,
  ) => Promise<{ readonly stop: () => Promise<void>; readonly did: () => string }>;
}

/** Repeats the work until it is stopped. */
const repeat = (work: () => Promise<void>, everyMilliseconds: number): (() => Promise<void>) => {
  const ended = new AbortController();
  const { promise: stopped, resolve } = Promise.withResolvers<void>();
  ended.signal.addEventListener('abort', () => resolve());
  const run = async (): Promise<void> => {
    while (!ended.signal.aborted) {
      await work();
      await Promise.race([stopped, new Promise((wake) => setTimeout(wake, everyMilliseconds))]);
    }
  };
  const running = run();
  return async () => {
    ended.abort();
    await running;
  };
};

/** What a flood leaves behind in a queue must not be felt by what is measured next. */
const untilEmpty = (url: string): Promise<true> =>
  eventually(
    async () => {
      const { Attributes } = await new SQSClient({}).send(
        new GetQueueAttributesCommand({
          QueueUrl: process.env[url],
          AttributeNames: ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible'],
        }),
      );
      return Object.values(Attributes ?? {}).every((number) => number === '0') ? true : undefined;
    },
    { what: 'an empty queue', seconds: 180, everyMilliseconds: 500 },
  );

const postedAtOnce = 4;
const sendingMailboxes = 4;

/** Sends to be posted; ISOLATION_SENDS changes it. */
const sends = Number(process.env['ISOLATION_SENDS'] ?? 400);

const manySends: Flood = {
  name: 'sends',
  what: `${sends.toLocaleString('en-US')} Sends`,
  start: async ({ flooding, servers, expect }) => {
    const [, ...users] = servers.environment.users;
    let posted = 0;
    let stopped = false;
    const post = async (): Promise<void> => {
      while (!stopped && posted < sends) {
        const number = posted;
        posted += 1;
        await expect(
          flooding.call('POST', '/emails', {
            from: { owner: flooding.userIds[number % sendingMailboxes] },
            to: [{ address: users[sendingMailboxes]?.address }],
            subject: `Flood ${number}`,
            body: { text: 'x' },
            send: true,
          }),
        );
      }
    };
    const posting = Promise.all(Array.from({ length: postedAtOnce }, post));
    return {
      did: () => `${posted} posted`,
      stop: async () => {
        stopped = true;
        await posting;
        // The next flood must find nothing left of this one.
        for (const mailboxId of flooding.mailboxIds.slice(0, sendingMailboxes))
          await expect(flooding.call('POST', `/mailboxes/${mailboxId}/disable`, { workloads: ['outgoing'] }));
        await untilEmpty('OUTGOING_QUEUE_URL');
      },
    };
  },
};

const hangingServer: Flood = {
  name: 'server',
  what: 'a server that accepts and never answers, 8 mailboxes',
  start: async ({ api, flooding, servers }) => {
    const silent = await startSilentServer('* OK IMAP4rev1 ready\r\n');
    const mail = { ...servers.environment, imap: { host: '127.0.0.1', port: silent.port, security: 'none' } };
    const profile = await storeServerProfile(api.services, flooding.id, mail as typeof servers.environment, {
      maxConnections: 20,
      timeoutSeconds: 30,
    });
    const hung = flooding.mailboxIds.slice(sendingMailboxes);
    for (const mailboxId of hung)
      await enableStoredMailbox(api.services, flooding.id, mailboxId, {
        serverProfileId: profile.id,
        mailUser: { address: 'x@example.test', username: 'x', password: 'x' },
        workloads: ['incoming'],
      });
    let most = 0;
    const stop = repeat(async () => {
      most = Math.max(most, silent.openConnections());
      await Promise.all(
        hung.map((mailboxId) => api.services.cycles.wake(flooding.id, mailboxId, 'incoming').catch(() => undefined)),
      );
    }, 1_000);
    return {
      did: () => `up to ${most} connections hung`,
      stop: async () => {
        await stop();
        for (const mailboxId of hung) await api.services.cycles.disable(flooding.id, mailboxId, 'incoming');
        await silent.stop();
        await untilEmpty('INCOMING_QUEUE_URL');
      },
    };
  },
};

const poison: Flood = {
  name: 'poison',
  what: 'poison in the lane incoming: 60 messages that fail always, 2 that end their function',
  start: async ({ flooding }) => {
    const client = new SQSClient({});
    const send = (group: string, body: object) =>
      client.send(
        new SendMessageCommand({
          QueueUrl: process.env['INCOMING_QUEUE_URL'],
          MessageGroupId: group,
          MessageDeduplicationId: `${group}.${Date.now()}`,
          MessageBody: JSON.stringify({ organizationId: flooding.id, ...body }),
        }),
      );
    for (let number = 0; number < 60; number += 1) await send(`poison-${number}`, { v: 1, workload: 'nothing' });
    for (let number = 0; number < 2; number += 1) await send(`deadly-${number}`, { [deadlyMark]: true });
    return {
      did: () => 'all sent',
      stop: async () => {
        // Whatever is left comes back for a while and would be in the way of the next flood.
      },
    };
  },
};

const hangingEndpoints: Flood = {
  name: 'endpoints',
  what: '20 webhooks whose endpoints never answer',
  start: async ({ flooding, endpoint, expect }) => {
    const ids: string[] = [];
    for (let number = 0; number < 20; number += 1) {
      endpoint.answer(`/hang-${number}`, () => 'hang');
      const { body } = await expect(
        flooding.call('POST', '/webhooks', { url: endpoint.url(`/hang-${number}`), types: ['record.*'] }),
      );
      ids.push(body.id);
    }
    let changes = 0;
    const stop = repeat(async () => {
      changes += 1;
      await expect(flooding.call('PUT', '/records/contact/ext:flood', { displayName: `Flood ${changes}` }));
    }, 1_000);
    return {
      did: () => `${changes} events`,
      stop: async () => {
        await stop();
        for (const id of ids) await expect(flooding.call('DELETE', `/webhooks/${id}`));
        await untilEmpty('WEBHOOKS_QUEUE_URL');
      },
    };
  },
};

/** In an order in which none leaves anything behind that the next one would feel. */
const all: readonly Flood[] = [hangingEndpoints, hangingServer, manySends, poison];

const wanted = process.env['ISOLATION_FLOODS']?.split(',');

export const floods: readonly Flood[] = all.filter(({ name }) => wanted?.includes(name) ?? true);
