import { withMailbox } from '../support/mailbox-client.ts';
import type { Figure, Progress } from './support/figure.ts';
import { fillMailbox } from './support/fill-mailbox.ts';
import { decimals, whole } from './support/format.ts';
import { type BenchMailbox, type HubWorld, startHubWorld } from './support/hub-world.ts';
import { textMessages } from './support/messages.ts';
import { pullWithMbsync } from './support/pull-with-mbsync.ts';
import { compareReadings, measureReading, type Reading, readInMemory } from './support/read-in-memory.ts';
import { StageClock } from './support/stage-clock.ts';

const messages = 10_000;
const rounds = 3;

const fetchBare = (hub: HubWorld, { mailUser }: BenchMailbox): Promise<Reading> =>
  measureReading(() =>
    withMailbox(hub.servers.environment, mailUser, async (client) => {
      await client.mailboxOpen('INBOX', { readOnly: true });
      let fetched = 0;
      for await (const { source } of client.fetch('1:*', { uid: true, source: true })) if (source) fetched += 1;
      if (fetched !== messages) throw new Error(`Fetched ${fetched} messages`);
    }),
  );

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
      const mbsync = { name: 'mbsync', seconds: figures.mbsync };
      return [
        compareReadings('all accepted, state in memory', messages, figures.all, mbsync, 1),
        compareReadings('none accepted, state in memory', messages, figures.none, mbsync, 3),
        compareReadings('floor: bare imapflow fetch of all', messages, figures.bare, mbsync),
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
