import { PutObjectCommand, paginateListObjectsV2 } from '@aws-sdk/client-s3';
import { paginateListSchedules } from '@aws-sdk/client-scheduler';
import { PutCommand, paginateScan } from '@aws-sdk/lib-dynamodb';
import type { DynamoDBRecord } from 'aws-lambda';
import { createLaneTimers } from '../../../functions/common/create-lane-timers.ts';
import { raiseAlert } from '../../../shared/alert/raise-alert.ts';
import {
  createDocumentClient,
  createSchedulerClient,
  createStorageClient,
} from '../../../shared/platform/aws-clients.ts';
import { createFault } from '../../../shared/platform/fault.ts';
import {
  createIdentifier,
  deriveIdentifier,
  type IdentifierPrefix,
  identifierTime,
} from '../../../shared/platform/identifier.ts';
import { organizationKinds } from '../../../shared/platform/record-kinds.ts';
import { partition } from '../../../shared/platform/records-table.ts';
import { profileThrottleKey } from '../../../shared/throttle/throttle-item.ts';
import { appendMessage } from '../../support/mailbox-client.ts';
import { type LaneHandler, loadLaneHandler, runLaneBatch } from '../../support/run-lane.ts';
import { enableStoredMailbox } from '../../support/synchronized-mailbox.ts';
import { createStreamReader } from '../read-stream.ts';
import { compose } from '../tracking/compose.ts';
import { type IncomingOrganization, type IncomingWorld, startIncomingWorld } from '../tracking/incoming-world.ts';

type Item = Readonly<Record<string, unknown>> & { readonly pk: string; readonly sk: string };

/** All that stands anywhere. */
export interface Everything {
  readonly records: readonly Item[];
  readonly cycles: readonly Item[];
  readonly objects: readonly string[];
  readonly timers: readonly string[];
}

export interface ErasureWorld extends IncomingWorld {
  /** An organization that has something of every kind. */
  readonly createFullOrganization: (userNumber: number) => Promise<IncomingOrganization>;
  /** Has every lane take what waits. */
  readonly runLanes: () => Promise<void>;
  /** Hands everything new of the stream to the feed function. */
  readonly runFeed: () => Promise<void>;
}

const scan = async (TableName: string): Promise<readonly Item[]> => {
  const items: Item[] = [];
  for await (const page of paginateScan({ client: createDocumentClient() }, { TableName, ConsistentRead: true }))
    items.push(...((page.Items ?? []) as Item[]));
  return items;
};

export const lookEverywhere = async (): Promise<Everything> => {
  const [records, cycles] = await Promise.all([
    scan(String(process.env['RECORDS_TABLE'])),
    scan(String(process.env['CYCLES_TABLE'])),
  ]);
  const objects: string[] = [];
  const bucket = { Bucket: String(process.env['CONTENT_BUCKET']) };
  for await (const page of paginateListObjectsV2({ client: createStorageClient() }, bucket))
    objects.push(...(page.Contents ?? []).map(({ Key = '' }) => Key));
  const timers: string[] = [];
  const group = { GroupName: String(process.env['SCHEDULE_GROUP']) };
  for await (const page of paginateListSchedules({ client: createSchedulerClient() }, group))
    timers.push(...(page.Schedules ?? []).map(({ Name = '' }) => Name));
  return { records, cycles, objects, timers };
};

/** Identifiers of all that an organization has, itself first: timers and messages name only some of them. */
export const identifiersOf = (organizationId: string, { records }: Everything): readonly string[] => {
  const own = records.filter(({ pk }) => pk.startsWith(`${organizationId}#`));
  const found = own.flatMap((item) => JSON.stringify(item).match(/\b[a-z]{3}_[0-9A-HJKMNP-TV-Z]{26}\b/g) ?? []);
  const operators = records.filter(({ pk }) => pk === 'deployment#operatorKey').map(({ sk }) => sk);
  return [...new Set([organizationId, ...found])].filter((identifier) => !operators.includes(identifier));
};

/** Where anything still names one of these. */
export const findTraces = (everything: Everything, identifiers: readonly string[]): readonly string[] => {
  const names = (text: string): boolean => identifiers.some((identifier) => text.includes(identifier));
  const { records, cycles, objects, timers } = everything;
  return [
    ...[...records, ...cycles].filter((item) => names(JSON.stringify(item))).map(({ pk, sk }) => `${pk} ${sk}`),
    ...[...objects, ...timers].filter(names),
  ];
};

export const put = async (table: 'RECORDS_TABLE' | 'CYCLES_TABLE', Item: Item): Promise<void> => {
  await createDocumentClient().send(new PutCommand({ TableName: process.env[table], Item }));
};

/** One item of every kind that nothing has made yet: what removes them does not look inside. */
const fillUp = async (organizationId: string, { records }: Everything): Promise<void> => {
  const present = new Set(records.map(({ pk }) => pk));
  const missing = organizationKinds.map((kind) => partition(organizationId, kind)).filter((pk) => !present.has(pk));
  for (const pk of missing) await put('RECORDS_TABLE', { pk, sk: 'filler', v: 1 });
};

export const startErasureWorld = async (): Promise<ErasureWorld> => {
  const world = await startIncomingWorld();
  const { services } = world.api;
  const lanes = ['incoming', 'outgoing', 'operations', 'webhooks'] as const;
  const handlers = new Map(await Promise.all(lanes.map(async (lane) => [lane, await loadLaneHandler(lane)] as const)));
  const run = async (lane: (typeof lanes)[number]): Promise<void> => {
    const handler: LaneHandler | undefined = handlers.get(lane);
    if (handler === undefined) return;
    while ((await runLaneBatch(handler, String(process.env[`${lane.toUpperCase()}_QUEUE_URL`]))) > 0);
  };

  const readNewRecords = createStreamReader(String(process.env['RECORDS_TABLE']));
  const { handler } = await import('../../../functions/feed/handler.ts');
  const feed = handler as (event: { Records: DynamoDBRecord[]; shardId: string }) => Promise<unknown>;
  const runFeed = async (): Promise<void> => {
    const Records = await readNewRecords();
    if (Records.length > 0) await feed({ Records, shardId: 'shard-1' });
  };

  const createFullOrganization: ErasureWorld['createFullOrganization'] = async (userNumber) => {
    const organization = await world.createOrganization();
    const { call, id } = organization;
    const mailUser = world.mailUser(userNumber);
    await organization.settings({
      // What stays untouched is compared with what it was: no cycle comes round by itself in between.
      schedule: { incoming: { seconds: 86_400 } },
      outgoing: { allowUnresolvedRecipients: true, sandboxAllow: ['*'] },
    });
    const user = await organization.user(mailUser, { externalId: 'u-1' });
    const [profile] = (await call('GET', '/server-profiles')).body.data;
    await enableStoredMailbox(services, id, user.mailboxId, {
      serverProfileId: profile.id,
      mailUser,
      workloads: ['incoming', 'outgoing'],
    });
    const message = compose({ Subject: 'Private', To: mailUser.address });
    await appendMessage(world.servers.environment, mailUser, message);
    await organization.synchronize(user.mailboxId);
    await call('PUT', '/records/contact/ext:c-1', {
      displayName: 'Carl',
      emails: [{ address: 'carl@client.example' }],
    });
    const send = (more: object) =>
      call(
        'POST',
        '/emails',
        { from: { owner: user.id }, to: [{ address: 'carl@client.example' }], subject: 'Ours', send: true, ...more },
        { 'idempotency-key': `key-${userNumber}-${JSON.stringify(more).length}` },
      );
    await send({});
    await send({ sendAt: new Date(Date.now() + 86_400_000).toISOString() });
    await run('outgoing');
    await call('POST', '/sessions', { userId: user.id });
    await call('PUT', '/consumers/laptop', {});
    await call('POST', '/webhooks', { url: 'https://127.0.0.1:9/' });
    await raiseAlert(services.store, {
      organizationId: id,
      level: 'error',
      scope: 'mailbox',
      fault: createFault('authenticationFailed'),
      subject: { type: 'mailbox', id: user.mailboxId },
      mailboxId: user.mailboxId,
      now: services.now(),
    });
    // A profile was deleted and its counter still stands.
    const counter = profileThrottleKey(id, createIdentifier('prf', Date.now()), 0);
    await put('CYCLES_TABLE', { ...counter, v: 1, n: 1, q: 0, leases: { [`${user.mailboxId}+incoming`]: [1, 1] } });
    await runFeed();
    await run('operations');
    await run('webhooks');
    await fillUp(id, await lookEverywhere());
    return organization;
  };

  return {
    ...world,
    createFullOrganization,
    runFeed,
    runLanes: async () => {
      for (const lane of lanes) await run(lane);
    },
  };
};

/** Another organization that holds the same, with identifiers of its own; each name makes another. Returns its id. */
export const copyOrganization = async (organizationId: string, copyName: string): Promise<string> => {
  const everything = await lookEverywhere();
  const identifiers = identifiersOf(organizationId, everything);
  // All that is random in it is made anew: with an ending of its own it could be one that stands already.
  const rename = (identifier: string): string =>
    deriveIdentifier(
      identifier.slice(0, 3) as IdentifierPrefix,
      identifierTime(identifier),
      `${identifier} ${copyName}`,
    );
  const renameIn = (text: string): string =>
    identifiers.reduce((renamed, identifier) => renamed.replaceAll(identifier, rename(identifier)), text);
  const copyItem = (item: Item): Item => JSON.parse(renameIn(JSON.stringify(item)));
  const names = (item: Item): boolean => item.pk.startsWith(`${organizationId}#`) || item.sk.includes(organizationId);
  for (const table of ['records', 'cycles'] as const)
    for (const item of everything[table].filter(names))
      await put(table === 'records' ? 'RECORDS_TABLE' : 'CYCLES_TABLE', copyItem(item));
  const storage = createStorageClient();
  for (const key of everything.objects.filter((one) => one.startsWith(`${organizationId}/`)))
    await storage.send(
      new PutObjectCommand({ Bucket: process.env['CONTENT_BUCKET'], Key: renameIn(key), Body: 'A copy' }),
    );
  const timers = createLaneTimers();
  const at = Date.now() + 86_400_000;
  for (const name of everything.timers.filter((one) => identifiers.some((identifier) => one.includes(identifier))))
    await timers.arm({ name: renameIn(name), at, lane: 'incoming', group: 'copy', body: {} });
  return rename(organizationId);
};
