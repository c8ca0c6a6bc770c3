import { paginateScan } from '@aws-sdk/lib-dynamodb';
import type { MailUser } from '../../../local/mail-environment.ts';
import { withMailbox } from '../../support/mailbox-client.ts';
import type { Cast } from '../scenario/cast.ts';
import type { World } from '../world/world.ts';

export type Item = Readonly<Record<string, unknown>>;

export interface SeenMessage {
  readonly uid: number;
  readonly messageId: string | undefined;
  readonly subject: string;
}

export interface SeenMailbox {
  readonly inbox: readonly SeenMessage[];
  readonly sent: readonly SeenMessage[];
}

/** What stands there after a run, read by the harness itself and by no code that is being tried. */
export interface Observation {
  readonly cycles: readonly Item[];
  readonly records: readonly Item[];
  /** By mailbox address. */
  readonly mailboxes: ReadonlyMap<string, SeenMailbox>;
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

const readFolder = (world: World, user: MailUser, folders: readonly string[]): Promise<readonly SeenMessage[][]> =>
  withMailbox(world.mail.environment, user, async (client) => {
    const present = new Set((await client.list()).map(({ path }) => path));
    const seen: SeenMessage[][] = [];
    for (const folder of folders) {
      const messages: SeenMessage[] = [];
      if (present.has(folder) && (await client.mailboxOpen(folder, { readOnly: true })).exists > 0)
        for (const { uid, envelope } of await client.fetchAll('1:*', { uid: true, envelope: true }))
          messages.push({ uid, messageId: envelope?.messageId, subject: envelope?.subject ?? '' });
      seen.push(messages);
    }
    return seen;
  });

export const lookIntoMailbox = async (world: World, user: MailUser): Promise<SeenMailbox> => {
  const [inbox = [], sent = []] = await readFolder(world, user, ['INBOX', 'Sent']);
  return { inbox, sent };
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
    now: world.clock.now(),
  };
};

/** The items of one kind of an organization. */
export const entitiesOf = (observation: Observation, organizationId: string, kind: string): readonly Item[] =>
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
