import { HubProblem } from '../../../local/hub-client.ts';
import type { Company } from '../company.ts';
import { companiesOf, type Drill, type DrillWorld, everyMailbox } from '../drill.ts';
import { createTableBackups } from '../table-backups.ts';

const lanes = ['incoming', 'outgoing', 'operations', 'webhooks'];
const consumer = 'restored';
/** So far off that it is due only after all has been restored. */
const laterSeconds = 300;

const setLanes = async ({ tools }: DrillWorld, enabled: boolean): Promise<void> => {
  for (const lane of lanes) await tools.setEventSource(lane, enabled);
};

const settleAll = (world: DrillWorld, dueBy?: number): Promise<unknown> =>
  Promise.all(companiesOf(world).map((company) => company.settle(150, dueBy)));

/** A reader that the hub keeps the place of, and one that keeps it itself. Returns the place of the latter. */
const followFeed = async ({ hub }: Company): Promise<string> => {
  const { cursor } = await hub.get<{ readonly cursor: string }>('/feed/head');
  await hub.put(`/consumers/${consumer}`, {});
  await hub.post(`/consumers/${consumer}/commit`, { cursor });
  return cursor;
};

/** @throws Error when a reader of the feed is not told that its place is gone */
const expectToldToBeginAnew = async ({ name, hub }: Company, cursor: string): Promise<void> => {
  for (const place of [`cursor=${cursor}`, `consumer=${consumer}`]) {
    const refusal = await hub.get(`/feed?${place}`).then(
      () => undefined,
      (error: unknown) => (error instanceof HubProblem ? error.code : String(error)),
    );
    if (refusal !== 'cursorExpired')
      throw new Error(`${name} reads on at ${place} and is told ${refusal ?? 'nothing'}`);
  }
};

export const restore: Drill = {
  name: 'restore',
  what: 'both tables brought back to a backup while the world had gone on, by the steps of the deploy guide',
  alarms: ['incoming-oldest-lateness', 'outgoing-oldest-lateness', 'unconfirmed-sends'],
  stopsMailboxes: true,
  breakIt: async (world, note) => {
    const { cloud, tools } = world;
    const backups = createTableBackups(cloud.environment);
    await everyMailbox(world, async (company, mailbox) => {
      await company.receive(mailbox);
      await company.send(mailbox);
    });
    await settleAll(world);
    const companies = await Promise.all(
      companiesOf(world).map(async (company) => ({ company, cursor: await followFeed(company) })),
    );

    // What the backup holds as waiting, and what goes out after it.
    await tools.setEventSource('outgoing', false);
    await everyMailbox(world, async (company, mailbox) => {
      await company.send(mailbox);
      await company.send(mailbox, laterSeconds);
    });
    const backup = await backups.backUp();
    const known = companies.map(({ company }) => company.sendCount);
    await tools.setEventSource('outgoing', true);
    await everyMailbox(world, async (company, mailbox) => {
      await company.receive(mailbox);
      await company.send(mailbox);
    });
    await settleAll(world, Date.now());
    await Promise.all(companies.map(({ company }, index) => company.forgetSendsAfter(known[index] ?? 0)));

    const since = Date.now();
    await setLanes(world, false);
    const context = await backups.restore(backup);
    await cloud.deploy(context);
    const { doubtedSends, restartedCycles } = await backups.recover(backup);
    for (const { company, cursor } of companies) {
      await expectToldToBeginAnew(company, cursor);
      await company.beginFeedAnew();
    }
    await setLanes(world, true);
    note(
      `restored in ${Math.round((Date.now() - since) / 1000)} s: ${doubtedSends} Sends in doubt, ${restartedCycles} cycles started anew`,
    );
  },
  tell: async (world) => {
    const alerts = (await Promise.all(companiesOf(world).map((company) => company.openAlerts()))).flat();
    const doubts = alerts.filter(({ code }) => code === 'deliveryUnconfirmed').length;
    const mailboxes = companiesOf(world).flatMap((company) => company.mailboxes).length;
    if (doubts < mailboxes) throw new Error(`${doubts} Sends are in doubt, and one of each mailbox should be`);
    return `410 \`cursorExpired\` for every reader of the feed; an alert \`deliveryUnconfirmed\` on each of ${doubts} Sends that the backup held as waiting`;
  },
};
