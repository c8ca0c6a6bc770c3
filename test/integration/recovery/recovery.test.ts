import type { Context } from 'aws-lambda';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Recovery, RestoredTo } from '../../../shared/recovery/recover-from-backup.ts';
import { eventually } from '../../support/eventually.ts';
import { appendMessage, listMessages } from '../../support/mailbox-client.ts';
import { type LaneHandler, loadLaneHandler, runLaneBatch } from '../../support/run-lane.ts';
import { enableStoredMailbox } from '../../support/synchronized-mailbox.ts';
import { compose } from '../tracking/compose.ts';
import { type IncomingOrganization, type IncomingWorld, startIncomingWorld } from '../tracking/incoming-world.ts';
import { backUpTable, restoreTable } from './table-backup.ts';

let world: IncomingWorld;
let outgoing: LaneHandler;
let recover: (restoredTo: RestoredTo) => Promise<Recovery>;

beforeAll(async () => {
  process.env['POWERTOOLS_LOG_LEVEL'] = 'SILENT';
  world = await startIncomingWorld();
  outgoing = await loadLaneHandler('outgoing');
  const { handler } = await import('../../../functions/recovery/handler.ts');
  recover = (restoredTo) =>
    handler(JSON.parse(JSON.stringify(restoredTo)), {} as Context, { signal: new AbortController().signal });
});

afterAll(async () => {
  await world?.stop();
});

const tableNames = (): readonly [string, string] => [
  String(process.env['RECORDS_TABLE']),
  String(process.env['CYCLES_TABLE']),
];

/** Both tables as they are now, and the moment after. */
const backUp = async () => {
  const [records, cycles] = await Promise.all(tableNames().map(backUpTable));
  return { records, cycles, at: new Date() };
};

const both = ({ at }: { readonly at: Date }): RestoredTo => ({ records: at, cycles: at });

type Backup = Awaited<ReturnType<typeof backUp>>;

const restore = async (backup: Backup, tables: readonly ('records' | 'cycles')[] = ['records', 'cycles']) => {
  for (const name of tables) {
    const table = backup[name];
    if (table !== undefined) await restoreTable(table);
  }
};

const runOutgoing = async (): Promise<void> => {
  while ((await runLaneBatch(outgoing, String(process.env['OUTGOING_QUEUE_URL']))) > 0);
};

let users = 0;

const begin = async () => {
  users += 1;
  const organization = await world.createOrganization();
  const mailUser = world.mailUser(users);
  const { id, mailboxId } = await organization.user(mailUser);
  return { organization, mailUser, id, mailboxId };
};

type SynchronizedUser = Awaited<ReturnType<typeof begin>>;

const enableSending = async ({ organization, mailUser, mailboxId }: SynchronizedUser): Promise<void> => {
  await organization.settings({ outgoing: { sandboxAllow: ['*'], allowUnresolvedRecipients: true } });
  const profile = (await organization.call('GET', '/server-profiles')).body.data[0];
  await enableStoredMailbox(world.api.services, organization.id, mailboxId, {
    serverProfileId: profile.id,
    mailUser,
    workloads: ['incoming', 'outgoing'],
  });
};

const receive = async ({ mailUser, organization, mailboxId }: SynchronizedUser, subject: string): Promise<void> => {
  await appendMessage(world.servers.environment, mailUser, compose({ Subject: subject, To: mailUser.address }));
  await organization.synchronize(mailboxId);
};

const subjectsOf = async (organization: IncomingOrganization): Promise<readonly string[]> =>
  (await organization.emails()).map(({ subject }) => subject).sort();

describe('tables that were restored from a backup', () => {
  it('have mail that came since tracked again, once', async () => {
    const anna = await begin();
    await receive(anna, 'before');
    const backup = await backUp();
    await receive(anna, 'since');
    await restore(backup);

    await recover(both(backup));
    await anna.organization.synchronize(anna.mailboxId);

    expect(await subjectsOf(anna.organization)).toEqual(['before', 'since']);
    expect(await anna.organization.decisions(anna.mailboxId)).toHaveLength(2);
  });

  it('have it tracked again where the cycles know better than the records', async () => {
    const anna = await begin();
    await receive(anna, 'before');
    const backup = await backUp();
    await receive(anna, 'since');
    await restore(backup, ['records']);

    await recover({ records: backup.at });
    await anna.organization.synchronize(anna.mailboxId);

    expect(await subjectsOf(anna.organization)).toEqual(['before', 'since']);
  });

  it('have it recognised where the records know better than the cycles', async () => {
    const anna = await begin();
    await receive(anna, 'before');
    const backup = await backUp();
    await receive(anna, 'since');
    await restore(backup, ['cycles']);

    await recover({ cycles: backup.at });
    await anna.organization.synchronize(anna.mailboxId);

    expect(await subjectsOf(anna.organization)).toEqual(['before', 'since']);
  });

  it('leave it to a person whether a Send goes out again that may have gone out since, and send what is new', async () => {
    const anna = await begin();
    const { organization, id, mailboxId } = anna;
    const receiver = world.mailUser(10);
    await enableSending(anna);
    const send = async (subject: string, more: object = {}) => {
      const to = [{ address: receiver.address }];
      const { body } = await organization.call('POST', '/emails', {
        from: { owner: id },
        to,
        subject,
        ...more,
      });
      return organization.call('POST', `/emails/${body.id}/send`, {});
    };
    const tomorrow = new Date(Date.now() + 24 * 3_600_000).toISOString();
    const doubtful = (await send('doubtful')).body;
    const later = (await send('later', { sendAt: tomorrow })).body;
    const backup = await backUp();
    await runOutgoing();
    await restore(backup);

    const recovery = await recover(both(backup));
    const fresh = (await send('fresh')).body;
    await recover(both(backup));
    await world.api.services.cycles.wake(organization.id, mailboxId, 'outgoing');
    await runOutgoing();

    const isOf = (name: string) => (subject: string) => subject.startsWith(name);
    const emailOf = async (emailId: string) => (await organization.call('GET', `/emails/${emailId}`)).body;
    expect(recovery.doubtedSends).toBe(1);
    expect(await emailOf(doubtful.id)).toMatchObject({
      status: 'unconfirmed',
      delivery: { fault: { code: 'deliveryUnconfirmed' } },
      to: [{ result: 'unconfirmed' }],
    });
    expect((await emailOf(later.id)).status).toBe('pendingSend');
    expect((await emailOf(fresh.id)).status).toBe('sent');
    // The server that sends passes them on after it has taken them, and not always in their order.
    const received = await eventually(
      async () => {
        const subjects = (await listMessages(world.servers.environment, receiver)).map(
          (message) => message.subject ?? '',
        );
        return subjects.some(isOf('doubtful')) && subjects.some(isOf('fresh')) ? subjects : undefined;
      },
      { what: 'both messages are in the Inbox' },
    );
    expect(received.filter(isOf('doubtful'))).toHaveLength(1);
    expect(received.filter(isOf('fresh'))).toHaveLength(1);
    const alerts = (await organization.call('GET', '/alerts')).body.data;
    expect(alerts).toMatchObject([{ code: 'deliveryUnconfirmed', subject: { type: 'email', id: doubtful.id } }]);
  });

  it('leave Sends and readers of the feed alone where the records were not among them', async () => {
    const anna = await begin();
    const { organization, id, mailboxId } = anna;
    const receiver = world.mailUser(10);
    await enableSending(anna);
    const { body: waiting } = await organization.call('POST', '/emails', {
      from: { owner: id },
      to: [{ address: receiver.address }],
      subject: 'waiting',
      send: true,
    });
    const { cursor } = (await organization.call('GET', '/feed/head')).body;
    const backup = await backUp();
    await restore(backup, ['cycles']);

    const recovery = await recover({ cycles: backup.at });
    await world.api.services.cycles.wake(organization.id, mailboxId, 'outgoing');
    await runOutgoing();

    expect(recovery).toMatchObject({ doubtedSends: 0, feedEpoch: null });
    expect((await organization.call('GET', `/emails/${waiting.id}`)).body.status).toBe('sent');
    expect((await organization.call('GET', `/feed?cursor=${cursor}`)).status).toBe(200);
  });

  it('are not recovered when nobody says which they are, or when the moment is still to come', async () => {
    await expect(recover({})).rejects.toThrow();
    await expect(recover({ records: new Date(Date.now() + 60_000) })).rejects.toThrow();
  });

  it('send readers of the feed to the snapshot', async () => {
    const { organization } = await begin();
    const { cursor } = (await organization.call('GET', '/feed/head')).body;

    await recover({ records: new Date(Date.now() - 1_000) });

    const { status, body } = await organization.call('GET', `/feed?cursor=${cursor}`);
    expect(status).toBe(410);
    expect(body.code).toBe('cursorExpired');
  });
});
