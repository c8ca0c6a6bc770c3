import type { Cycle } from '../../shared/cycle/cycle.ts';
import type { WorkloadRun } from '../../shared/cycle/workload.ts';
import { mailboxKind } from '../../shared/mailbox/mailbox.ts';
import { organizationKind } from '../../shared/organization/organization.ts';
import { EntityStore } from '../../shared/platform/entity-store.ts';
import type { StoredItem } from '../../shared/platform/records-table.ts';
import { serverProfileKind } from '../../shared/server-profile/server-profile.ts';
import { createIncomingRunner } from '../../shared/tracking/incoming-runner.ts';
import { createDialler } from '../../shared/transport/dialler.ts';
import { createHostPolicy } from '../../shared/transport/host-policy.ts';
import { withMailbox } from '../support/mailbox-client.ts';
import type { Figure, Progress, Row } from './support/figure.ts';
import { fillMailbox } from './support/fill-mailbox.ts';
import { decimals, median, times, whole } from './support/format.ts';
import { type BenchMailbox, type HubWorld, startHubWorld } from './support/hub-world.ts';
import { createMemoryContent } from './support/memory-content.ts';
import { createMemoryTable } from './support/memory-table.ts';
import { textMessages } from './support/messages.ts';
import { pullWithMbsync } from './support/pull-with-mbsync.ts';
import { StageClock } from './support/stage-clock.ts';

const messages = 10_000;
const rounds = 3;

interface Reading {
  readonly seconds: number;
  /** Of this process alone; the server's is not in it. */
  readonly processorSeconds: number;
}

/** The lane's runner over the mailbox, with all that the hub has stored so far copied into memory; returns seconds. */
const readInMemory = async (
  hub: HubWorld,
  { mailboxId, mailUser }: BenchMailbox,
  expected: { readonly tracked: number; readonly skipped: number },
): Promise<Reading> => {
  const table = createMemoryTable((await hub.api.allRecords()) as readonly StoredItem[]);
  const store = new EntityStore(table);
  const organization = await store.get(organizationKind, hub.organizationId, hub.organizationId);
  const mailbox = await store.get(mailboxKind, hub.organizationId, mailboxId);
  if (organization === undefined || mailbox?.serverProfileId == null) throw new Error('There is no such mailbox');
  const serverProfile = await store.get(serverProfileKind, hub.organizationId, mailbox.serverProfileId);
  if (serverProfile === undefined) throw new Error('There is no such profile');
  const runner = createIncomingRunner({
    store,
    content: createMemoryContent(),
    dialler: createDialler(createHostPolicy(['127.0.0.0/8'])),
  });
  const run: WorkloadRun = {
    organization,
    mailbox,
    serverProfile,
    credentials: { authentication: 'password', username: mailUser.username, password: mailUser.password },
    cycle: { cursors: {} } as unknown as Cycle,
    deadline: Date.now() + 600_000,
    careful: undefined,
    now: () => new Date(),
    saveCursor: async () => undefined,
  };
  const began = performance.now();
  const processor = process.cpuUsage();
  const { counts } = await runner.run(run);
  const seconds = (performance.now() - began) / 1000;
  const { user, system } = process.cpuUsage(processor);
  if (counts.tracked !== expected.tracked || counts.skipped !== expected.skipped)
    throw new Error(`Tracked ${counts.tracked} and skipped ${counts.skipped} messages`);
  return { seconds, processorSeconds: (user + system) / 1e6 };
};

const fetchBare = async (hub: HubWorld, { mailUser }: BenchMailbox): Promise<Reading> => {
  const began = performance.now();
  const processor = process.cpuUsage();
  await withMailbox(hub.servers.environment, mailUser, async (client) => {
    await client.mailboxOpen('INBOX', { readOnly: true });
    let fetched = 0;
    for await (const { source } of client.fetch('1:*', { uid: true, source: true })) if (source) fetched += 1;
    if (fetched !== messages) throw new Error(`Fetched ${fetched} messages`);
  });
  const { user, system } = process.cpuUsage(processor);
  return { seconds: (performance.now() - began) / 1000, processorSeconds: (user + system) / 1e6 };
};

/** Whole cycles on the emulator until the mailbox has nothing more, and the feed behind them. */
const readInCycles = async (hub: HubWorld, { mailboxId }: BenchMailbox, expected: number) => {
  const clock = new StageClock();
  const began = performance.now();
  let tracked = 0;
  for (let cycles = 0; tracked < expected && cycles < 100; cycles += 1) {
    await hub.run('incoming', [mailboxId]);
    tracked += (await hub.cycle(mailboxId, 'incoming')).lastCounts?.tracked ?? 0;
  }
  const seconds = (performance.now() - began) / 1000;
  const stages = clock.stop();
  if (tracked !== expected) throw new Error(`Tracked ${tracked} of ${expected} messages`);
  const feedBegan = performance.now();
  while ((await hub.feed()) > 0);
  return { seconds, stages, feedSeconds: (performance.now() - feedBegan) / 1000 };
};

const compare = (what: string, readings: readonly Reading[], peer: readonly number[], budget?: number): Row => {
  const ratios = readings.map(({ seconds }, round) => (peer[round] ?? 0) / seconds);
  const processor = median(readings.map(({ processorSeconds }) => processorSeconds));
  return {
    what,
    value: `${whole(messages / median(readings.map(({ seconds }) => seconds)))}/s, ${decimals((processor * 1000) / messages, 2)} ms of the processor each`,
    against: `mbsync ${whole(messages / median(peer))}/s`,
    ratio: times(median(ratios)),
    ...(budget === undefined ? {} : { budget: times(budget), kept: median(ratios) >= budget }),
  };
};

const measureInMemory = async (hub: HubWorld, all: BenchMailbox, none: BenchMailbox, progress: Progress) => {
  const figures = { mbsync: [] as number[], bare: [] as Reading[], all: [] as Reading[], none: [] as Reading[] };
  for (let round = 1; round <= rounds; round += 1) {
    progress(`round ${round} of ${rounds}`);
    figures.mbsync.push(await pullWithMbsync(hub.servers, all.mailUser, messages));
    figures.bare.push(await fetchBare(hub, all));
    figures.all.push(await readInMemory(hub, all, { tracked: messages, skipped: 0 }));
    figures.none.push(await readInMemory(hub, none, { tracked: 0, skipped: messages }));
  }
  return figures;
};

export const incoming: Figure = {
  describe: `${whole(messages)} messages of 2 KB from Dovecot, against mbsync and a bare fetch`,
  measure: async (progress) => {
    const hub = await startHubWorld({ mailboxes: 3 });
    try {
      const [all, none, cycles] = hub.mailboxes;
      if (all === undefined || none === undefined || cycles === undefined)
        throw new Error('Three mailboxes are needed');
      const { status } = await hub.call('PATCH', `/users/ext:${none.mailUser.address}`, { filtering: 'none' });
      if (status !== 200) throw new Error(`The user could not be changed: ${status}`);
      progress('fill the mailboxes');
      await fillMailbox(hub.servers, all.mailUser, textMessages(messages, all.mailUser.address));
      await fillMailbox(hub.servers, none.mailUser, textMessages(messages, none.mailUser.address));
      const figures = await measureInMemory(hub, all, none, progress);
      progress('whole cycles on the emulator');
      const some = 1_000;
      await hub.run('incoming', [cycles.mailboxId]);
      await fillMailbox(hub.servers, cycles.mailUser, textMessages(some, cycles.mailUser.address));
      const inCycles = await readInCycles(hub, cycles, some);
      return [
        compare('all accepted, state in memory', figures.all, figures.mbsync, 1),
        compare('none accepted, state in memory', figures.none, figures.mbsync, 3),
        compare('floor: bare imapflow fetch of all', figures.bare, figures.mbsync),
        {
          what: `whole cycles, ${whole(some)} messages, state on the emulator`,
          value: `${whole(some / inCycles.seconds)}/s`,
          against: inCycles.stages
            .map(({ name, share, calls }) => `${name} ${decimals(share * 100, 0)} % (${whole(calls)} calls)`)
            .join(', '),
        },
        { what: 'feed behind them', value: `${whole(some / inCycles.feedSeconds)}/s` },
      ];
    } finally {
      await hub.stop();
    }
  },
};
