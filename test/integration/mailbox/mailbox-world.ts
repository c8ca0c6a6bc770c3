import { Console } from 'node:console';
import { Writable } from 'node:stream';
import { logger } from '../../../functions/common/logger.ts';
import {
  type MailEnvironment,
  type MailServers,
  type MailUser,
  startTestMailServers,
} from '../../support/mail-servers.ts';
import { type LaneHandler, loadLaneHandler, runLaneBatch } from '../../support/run-lane.ts';
import type { Answer } from '../api-harness.ts';
import { type ApiCall, startTestApi, type TestApi, type TestOrganization } from '../role-calls.ts';

type Fields = Readonly<Record<string, unknown>>;
/** Assertions read whatever it should hold. */
type Body = Answer['body'];

/** The API, its operations lane and real mail servers, for tests of mailboxes and server profiles. */
export type MailboxWorld = {
  readonly api: TestApi;
  readonly servers: MailServers;
  readonly mail: MailEnvironment;
  /** Lines that lanes have logged. */
  readonly log: readonly string[];
  /** Has the operations lane work until the operation has ended, and returns it. */
  readonly finish: (call: ApiCall, operationId: string, remainingMilliseconds?: number) => Promise<Body>;
  /** Has the operations lane work on one batch; returns how many messages it had. */
  readonly runOperations: () => Promise<number>;
  /** Has the incoming lane work off what waits in its queue. */
  readonly runIncoming: () => Promise<void>;
  readonly stop: () => Promise<void>;
};

const batches = 200;

/** Has lanes log to a list. */
const captureLog = (): readonly string[] => {
  const log: string[] = [];
  const sink = new Writable({
    write: (chunk, _encoding, done) => {
      log.push(String(chunk));
      done();
    },
  });
  Object.assign(logger, { console: new Console({ stdout: sink, stderr: sink }) });
  return log;
};

export const startMailboxWorld = async (
  options: Parameters<typeof startTestMailServers>[0] = {},
): Promise<MailboxWorld> => {
  const api = await startTestApi();
  let servers: MailServers;
  let operations: LaneHandler;
  let incoming: LaneHandler;
  try {
    servers = await startTestMailServers(options);
    operations = await loadLaneHandler('operations');
    incoming = await loadLaneHandler('incoming');
  } catch (error) {
    await api.stop();
    throw error;
  }
  process.env['POWERTOOLS_METRICS_DISABLED'] = 'true';
  const queueUrl = String(process.env['OPERATIONS_QUEUE_URL']);
  return {
    api,
    servers,
    mail: servers.environment,
    log: captureLog(),
    finish: async (call, operationId, remainingMilliseconds = 120_000) => {
      for (let batch = 0; batch < batches; batch += 1) {
        const { body } = await call('GET', `/operations/${operationId}`);
        if (body.status !== 'queued' && body.status !== 'running') return body;
        await runLaneBatch(operations, queueUrl, { waitSeconds: 1, remainingMilliseconds });
      }
      throw new Error(`The operation ${operationId} has not ended`);
    },
    runOperations: () => runLaneBatch(operations, queueUrl, { waitSeconds: 1 }),
    runIncoming: async () => {
      while ((await runLaneBatch(incoming, String(process.env['INCOMING_QUEUE_URL']))) > 0);
    },
    stop: async () => {
      await servers.stop();
      await api.stop();
    },
  };
};

/** What a server profile for the mail servers is created with. */
export const profileFields = (mail: MailEnvironment, fields: Fields = {}): Fields => ({
  name: 'Dovecot and Postfix',
  kind: 'imapSmtp',
  incoming: { protocol: 'imap', ...mail.imap },
  outgoing: { protocol: 'smtp', ...mail.submission },
  credentials: { source: 'mailbox', authentication: 'password' },
  caCertificates: mail.caCertificate,
  timeoutSeconds: 10,
  ...fields,
});

/** Returns the id of a new profile. */
export const createProfile = async (
  organization: TestOrganization,
  mail: MailEnvironment,
  fields: Fields = {},
): Promise<string> => {
  const answer = await organization.as('admin')('POST', '/server-profiles', profileFields(mail, fields));
  if (answer.status !== 201) throw new Error(JSON.stringify(answer.body));
  return answer.body.id;
};

/** A user whose mailbox is approved and may be tested. */
export const createUserMailbox = async (
  organization: TestOrganization,
  setup: {
    readonly externalId: string;
    readonly mailUser: MailUser;
    readonly serverProfileId: string;
    readonly credentials?: Fields;
  },
): Promise<{ readonly userId: string; readonly mailboxId: string }> => {
  const call = organization.as('admin');
  const { externalId, mailUser, serverProfileId } = setup;
  const { username, password } = mailUser;
  const user = await call('PUT', `/users/ext:${externalId}`, {
    fullName: externalId,
    emailAddress: mailUser.address,
  });
  if (user.status !== 201) throw new Error(JSON.stringify(user.body));
  const path = `/mailboxes/${user.body.mailboxId}`;
  const patched = await call('PATCH', path, {
    serverProfileId,
    credentials: setup.credentials ?? { username, password },
    workloads: { incoming: { method: 'serverSideSync' }, outgoing: { method: 'serverSideSync' } },
  });
  if (patched.status !== 200) throw new Error(JSON.stringify(patched.body));
  await call('POST', `${path}/approve`);
  return { userId: user.body.id, mailboxId: user.body.mailboxId };
};

/** Tests a mailbox to the end and returns the operation. */
export const testMailbox = async (
  world: MailboxWorld,
  organization: TestOrganization,
  mailboxId: string,
  request: Fields = {},
  remainingMilliseconds?: number,
): Promise<Body> => {
  const call = organization.as('admin');
  const started = await call('POST', `/mailboxes/${mailboxId}/test-and-enable`, request);
  if (started.status !== 202) throw new Error(JSON.stringify(started.body));
  return world.finish(call, started.body.id, remainingMilliseconds);
};
