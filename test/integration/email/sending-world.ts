import type { FeedEvent } from '../../../shared/feed/feed-event.ts';
import type { ServerProfile } from '../../../shared/server-profile/server-profile.ts';
import { eventually } from '../../support/eventually.ts';
import {
  type MailServers,
  type MailServersOptions,
  type MailUser,
  startTestMailServers,
} from '../../support/mail-servers.ts';
import { findMailUser, listMessages, readMessage } from '../../support/mailbox-client.ts';
import { type LaneHandler, loadLaneHandler, runLaneBatch } from '../../support/run-lane.ts';
import { enableStoredMailbox, storeServerProfile } from '../../support/synchronized-mailbox.ts';
import type { Answer } from '../api-harness.ts';
import { createStreamReader } from '../read-stream.ts';
import { type ApiCall, startTestApi, type TestApi, type TestOrganization } from '../role-calls.ts';

/** The body of an answer; assertions read whatever it should hold. */
export type Body = Answer['body'];

/** A sandbox organization that may send everywhere, with one user whose outgoing mail is enabled. */
export interface SendingOrganization {
  readonly id: string;
  readonly call: ApiCall;
  readonly as: TestOrganization['as'];
  readonly profile: ServerProfile;
  readonly sender: { readonly id: string; readonly mailboxId: string; readonly mailUser: MailUser };
  readonly settings: (patch: unknown) => Promise<void>;
  /** A contact with this address; returns its id. */
  readonly contact: (externalId: string, address: string, fields?: object) => Promise<string>;
  /** A draft of the user; `fields` replace or add. */
  readonly draft: (fields: object) => Promise<Body>;
  /** A draft that was sent at once. */
  readonly send: (fields: object) => Promise<Body>;
  readonly email: (id: string) => Promise<Body>;
  /** Runs the lane until the email stands as is asked. */
  readonly runUntil: (id: string, stands: (email: Body) => boolean, seconds?: number) => Promise<Body>;
  /** Runs the lane until nothing of this email is left to do, and answers with it. */
  readonly runToEnd: (id: string) => Promise<Body>;
  /** The types of what the feed tells of the email, in order. */
  readonly eventsOf: (id: string) => Promise<readonly string[]>;
}

export interface SendingWorld {
  readonly api: TestApi;
  readonly servers: MailServers;
  readonly handler: LaneHandler;
  readonly queueUrl: string;
  readonly mailUser: (number: number) => MailUser;
  /** `profile`: fields of its server profile; `settings` besides sandboxAllow; `mailUser`: who sends [the first]. */
  readonly createOrganization: (options?: {
    readonly profile?: Readonly<Record<string, unknown>>;
    readonly settings?: object;
    readonly mailUser?: MailUser;
  }) => Promise<SendingOrganization>;
  /** One batch of the lane; returns how many messages it had. */
  readonly runLane: (waitSeconds?: number) => Promise<number>;
  /** The one message with this Message-ID in a folder; fails when there are several. */
  readonly received: (mailUser: MailUser, messageId: string, folder?: string) => Promise<Buffer>;
  /** How many messages with this Message-ID a folder holds. */
  readonly countReceived: (mailUser: MailUser, messageId: string, folder?: string) => Promise<number>;
  readonly stop: () => Promise<void>;
}

const finals = ['sent', 'failed', 'unconfirmed', 'canceled'];

const expectStatus = ({ status, body }: Answer, expected: number): Body => {
  if (status !== expected) throw new Error(`Answered ${status} instead of ${expected}: ${JSON.stringify(body)}`);
  return body;
};

/** The outgoing lane's function on tables of its own, with a real Postfix and Dovecot, fed batch by batch. */
export const startSendingWorld = async (options: Pick<MailServersOptions, 'sendAs'> = {}): Promise<SendingWorld> => {
  const [api, servers] = await Promise.all([startTestApi(), startTestMailServers(options)]);
  process.env['POWERTOOLS_LOG_LEVEL'] = 'SILENT';
  const { services } = api;
  const mail = servers.environment;
  const handler = await loadLaneHandler('outgoing');
  const queueUrl = String(process.env['OUTGOING_QUEUE_URL']);
  const runLane = (waitSeconds = 0): Promise<number> => runLaneBatch(handler, queueUrl, { waitSeconds });
  const mailUser = (number: number): MailUser => findMailUser(mail, `user${number}@${mail.domain}`);

  const readNewRecords = createStreamReader(process.env['RECORDS_TABLE'] ?? '');
  const { handler: feed } = await import('../../../functions/feed/handler.ts');
  const runFeed = async (): Promise<void> => {
    const Records = await readNewRecords();
    if (Records.length > 0) await feed({ Records, shardId: 'shard-1' } as Parameters<typeof feed>[0]);
  };

  const uidsOf = async (user: MailUser, messageId: string, folder: string): Promise<readonly number[]> =>
    (await listMessages(mail, user, folder)).filter((one) => one.messageId === messageId).map(({ uid }) => uid);

  const createOrganization: SendingWorld['createOrganization'] = async (options = {}) => {
    const organization = await api.createOrganization();
    const call = organization.as('admin');
    const settings = async (patch: unknown): Promise<void> => {
      expectStatus(await call('PATCH', '/settings', patch), 200);
    };
    await settings({ outgoing: { sandboxAllow: ['*'] } });
    if (options.settings !== undefined) await settings(options.settings);
    const user = options.mailUser ?? mailUser(1);
    const profile = await storeServerProfile(services, organization.id, mail, options.profile);
    const anna = expectStatus(
      await call('PUT', '/users/ext:anna', { fullName: 'Anna', emailAddress: user.address }),
      201,
    );
    await enableStoredMailbox(services, organization.id, anna.mailboxId, {
      serverProfileId: profile.id,
      mailUser: user,
      workloads: ['outgoing'],
    });
    const email = async (id: string): Promise<Body> => expectStatus(await call('GET', `/emails/${id}`), 200);
    const runUntil: SendingOrganization['runUntil'] = (id, stands, seconds = 30) =>
      eventually(
        async () => {
          const before = await email(id);
          if (stands(before)) return before;
          await runLane(1);
          return undefined;
        },
        { what: `the email ${id} to stand as asked`, seconds, everyMilliseconds: 0 },
      );
    return {
      id: organization.id,
      call,
      as: organization.as,
      profile,
      sender: { id: anna.id, mailboxId: anna.mailboxId, mailUser: user },
      settings,
      contact: async (externalId, address, fields = {}) => {
        const record = { displayName: externalId, emails: [{ address }], ...fields };
        return expectStatus(await call('PUT', `/records/contact/ext:${externalId}`, record), 201).id;
      },
      draft: async (fields) =>
        expectStatus(await call('POST', '/emails', { from: { owner: 'ext:anna' }, ...fields }), 201),
      send: async (fields) =>
        expectStatus(await call('POST', '/emails', { from: { owner: 'ext:anna' }, ...fields, send: true }), 202),
      email,
      runUntil,
      runToEnd: (id) =>
        runUntil(id, ({ status, delivery }) => finals.includes(status) && delivery.sentCopy !== 'pending'),
      eventsOf: async (id) => {
        await runFeed();
        const types: string[] = [];
        for (let cursor = '0', more = true; more; ) {
          const { data, nextCursor, hasMore } = expectStatus(
            await call('GET', `/feed?cursor=${cursor}&limit=500`),
            200,
          );
          types.push(...data.filter(({ subject }: FeedEvent) => subject.id === id).map(({ type }: FeedEvent) => type));
          cursor = nextCursor;
          more = hasMore;
        }
        return types;
      },
    };
  };

  return {
    api,
    servers,
    handler,
    queueUrl,
    mailUser,
    createOrganization,
    runLane,
    received: async (user, messageId, folder = 'INBOX') => {
      const uids = await eventually(
        async () => {
          const found = await uidsOf(user, messageId, folder);
          return found.length > 0 ? found : undefined;
        },
        { what: `${messageId} in ${folder} of ${user.address}`, everyMilliseconds: 200 },
      );
      if (uids.length !== 1 || uids[0] === undefined) throw new Error(`${messageId} is there ${uids.length} times`);
      return readMessage(mail, user, uids[0], folder);
    },
    countReceived: async (user, messageId, folder = 'INBOX') => (await uidsOf(user, messageId, folder)).length,
    stop: async () => {
      await servers.stop();
      await api.stop();
    },
  };
};
