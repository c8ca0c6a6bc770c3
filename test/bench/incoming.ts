import { withMailbox } from '../support/mailbox-client.ts';
import type { Figure, Progress } from './support/figure.ts';
import { fillMailbox } from './support/fill-mailbox.ts';
import { whole } from './support/format.ts';
import { type BenchMailbox, type HubWorld, startHubWorld } from './support/hub-world.ts';
import { textMessages } from './support/messages.ts';
import { pullWithMbsync } from './support/pull-with-mbsync.ts';
import { compareReadings, measureReading, type Reading, readInMemory } from './support/read-in-memory.ts';

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
    const hub = await startHubWorld({ mailboxes: 2 });
    try {
      const [all, none] = hub.mailboxes;
      if (all === undefined || none === undefined) throw new Error('Two mailboxes are needed');
      const { status } = await hub.call('PATCH', `/users/ext:${none.mailUser.address}`, { filtering: 'none' });
      if (status !== 200) throw new Error(`The user could not be changed: ${status}`);
      progress('fill the mailboxes');
      await fillMailbox(hub.servers, all.mailUser, textMessages(messages, all.mailUser.address));
      await fillMailbox(hub.servers, none.mailUser, textMessages(messages, none.mailUser.address));
      const figures = await measureInMemory(hub, all, none, progress);
      const mbsync = { name: 'mbsync', seconds: figures.mbsync };
      return [
        compareReadings('all accepted, state in memory', messages, figures.all, mbsync, 1),
        compareReadings('none accepted, state in memory', messages, figures.none, mbsync, 3),
        compareReadings('floor: bare imapflow fetch of all', messages, figures.bare, mbsync),
      ];
    } finally {
      await hub.stop();
    }
  },
};
