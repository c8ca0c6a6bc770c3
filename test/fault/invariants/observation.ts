import { paginateListObjectsV2 } from '@aws-sdk/client-s3';
import { paginateScan } from '@aws-sdk/lib-dynamodb';
import type { MailUser } from '../../../local/mail-environment.ts';
import { withMailbox } from '../../support/mailbox-client.ts';
import type { Cast } from '../scenario/cast.ts';
import { watchedFolder } from '../scenario/watched-folder.ts';
import type { World } from '../world/world.ts';

export type Item = Readonly<Record<string, unknown>>;

export interface SeenMessage {
  readonly uid: number;
  readonly messageId: string | undefined;
  readonly subject: string;
  readonly sizeBytes: number | undefined;
}

export interface SeenMailbox {
  readonly inbox: readonly SeenMessage[];
  /** Of the folder that a rule names. */
  readonly watched: readonly SeenMessage[];
  /** Of the Sent folder, and of each that was it before somebody renamed it. */
  readonly sent: readonly (readonly SeenMessage[])[];
}

/** What stands there after a run, read by the harness itself and by no code that is being tried. */
export interface Observation {
  readonly cycles: readonly Item[];
  readonly records: readonly Item[];
  /** By mailbox address. */
  readonly mailboxes: ReadonlyMap<string, SeenMailbox>;
  /** Bytes of each object of the organization in the bucket, by key. */
  readonly objects: ReadonlyMap<string, number>;
  readonly now: number;
}

/** A value deep inside an item. */
export const at = (value: unknown, ...path: readonly string[]): unknown =>
  path.reduce<unknown>(
    (inner, key) => (typeof inner === 'object' && inner !== null ? (inner as Item)[key] : undefined),
    value,
  );

export const scanTable = async (world: Pick<World, 'document'>, TableName: string): Promise<readonly Item[]> => {
  const items: Item[] = [];
  for await (const page of paginateScan({ client: world.document }, { TableName, ConsistentRead: true }))
    items.push(...(page.Items ?? []));
  return items;
};

/** Everything in the folders whose names match. */
const readFolders = (world: World, user: MailUser, names: RegExp): Promise<readonly (readonly SeenMessage[])[]> =>
  withMailbox(world.mail.environment, user, async (client) => {
    const seen: (readonly SeenMessage[])[] = [];
    for (const { path } of (await client.list()).filter((folder) => names.test(folder.path))) {
      const { exists } = await client.mailboxOpen(path, { readOnly: true });
      const fetched = exists === 0 ? [] : await client.fetchAll('1:*', { uid: true, envelope: true, size: true });
      seen.push(
        fetched.map(({ uid, envelope, size }) => ({
          uid,
          messageId: envelope?.messageId,
          subject: envelope?.subject ?? '',
          sizeBytes: size,
        })),
      );
    }
    return seen;
  });

const lookIntoMailbox = async (world: World, user: MailUser): Promise<SeenMailbox> => ({
  inbox: (await readFolders(world, user, /^INBOX$/)).flat(),
  watched: (await readFolders(world, user, new RegExp(`^${watchedFolder}$`))).flat(),
  sent: await readFolders(world, user, /^Sent/),
});

const listObjects = async ({ storage, bucket }: World, prefix: string): Promise<ReadonlyMap<string, number>> => {
  const objects = new Map<string, number>();
  for await (const { Contents = [] } of paginateListObjectsV2({ client: storage }, { Bucket: bucket, Prefix: prefix }))
    for (const { Key = '', Size = 0 } of Contents) objects.set(Key, Size);
  return objects;
};

export const observe = async (world: World, cast: Cast): Promise<Observation> => {
  const users = [...cast.users.map(({ mailUser }) => mailUser), ...cast.outsiders];
  const mailboxes = await Promise.all(
    users.map(async (user) => [user.address, await lookIntoMailbox(world, user)] as const),
  );
  return {
    cycles: await scanTable(world, world.cyclesTable),
    records: await scanTable(world, world.recordsTable),
    mailboxes: new Map(mailboxes),
    objects: await listObjects(world, `${cast.organizationId}/`),
    now: world.clock.now(),
  };
};

/** The items of one kind of an organization. */
export const entitiesOf = (
  observation: Pick<Observation, 'records'>,
  organizationId: string,
  kind: string,
): readonly Item[] =>
  observation.records.flatMap((item) => {
    const entity = item['entity'];
    return item['pk'] === `${organizationId}#${kind}` && typeof entity === 'object' && entity !== null
      ? [entity as Item]
      : [];
  });

export const groupBy = <Value>(values: readonly Value[], keyOf: (value: Value) => string) => {
  const groups = new Map<string, Value[]>();
  for (const value of values) groups.set(keyOf(value), [...(groups.get(keyOf(value)) ?? []), value]);
  return groups;
};
