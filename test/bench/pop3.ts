import { createDialler } from '../../shared/transport/dialler.ts';
import { createHostPolicy } from '../../shared/transport/host-policy.ts';
import { openPop3Session } from '../../shared/transport/pop3/open-pop3-session.ts';
import type { Figure, Progress } from './support/figure.ts';
import { fillMailbox } from './support/fill-mailbox.ts';
import { whole } from './support/format.ts';
import { type BenchMailbox, type HubWorld, startHubWorld } from './support/hub-world.ts';
import { textMessages } from './support/messages.ts';
import { pullWithMpop } from './support/pull-with-mpop.ts';
import { compareReadings, measureReading, type Reading, readInMemory } from './support/read-in-memory.ts';

const messages = 10_000;
const rounds = 3;

const retrieveBare = ({ servers }: HubWorld, { mailUser }: BenchMailbox): Promise<Reading> =>
  measureReading(async () => {
    const { pop3, caCertificate } = servers.environment;
    const session = await openPop3Session(
      { ...pop3, caCertificates: caCertificate, timeoutSeconds: 60 },
      { authentication: 'password', username: mailUser.username, password: mailUser.password },
      createDialler(createHostPolicy(['127.0.0.0/8'])),
      { deadline: Date.now() + 600_000 },
    );
    try {
      const numbers = (await session.list()).map(({ number }) => number);
      let read = 0;
      await session.readMessages(numbers, () => {
        read += 1;
      });
      if (read !== messages) throw new Error(`Read ${read} messages`);
    } finally {
      await session.close();
    }
  });

const measureAll = async (hub: HubWorld, all: BenchMailbox, none: BenchMailbox, progress: Progress) => {
  const figures = { mpop: [] as number[], bare: [] as Reading[], all: [] as Reading[], none: [] as Reading[] };
  for (let round = 1; round <= rounds; round += 1) {
    progress(`round ${round} of ${rounds}`);
    figures.mpop.push(await pullWithMpop(hub.servers, all.mailUser, messages));
    figures.bare.push(await retrieveBare(hub, all));
    figures.all.push(await readInMemory(hub, all, { tracked: messages, skipped: 0 }));
    figures.none.push(await readInMemory(hub, none, { tracked: 0, skipped: messages }));
  }
  return figures;
};

export const pop3: Figure = {
  describe: `${whole(messages)} messages of 2 KB from Dovecot by POP3, against mpop and a bare RETR of all`,
  measure: async (progress) => {
    const hub = await startHubWorld({ mailboxes: 2, pop3Mailboxes: 2 });
    try {
      const [all, none] = hub.mailboxes;
      if (all === undefined || none === undefined) throw new Error('Two mailboxes are needed');
      const { status } = await hub.call('PATCH', `/users/ext:${none.mailUser.address}`, { filtering: 'none' });
      if (status !== 200) throw new Error(`The user could not be changed: ${status}`);
      progress('fill the mailboxes');
      for (const { mailUser } of [all, none])
        await fillMailbox(hub.servers, mailUser, textMessages(messages, mailUser.address));
      const figures = await measureAll(hub, all, none, progress);
      const mpop = { name: 'mpop', seconds: figures.mpop };
      return [
        compareReadings('all accepted, state in memory', messages, figures.all, mpop),
        compareReadings('none accepted, state in memory', messages, figures.none, mpop),
        compareReadings('floor: RETR of all by our client', messages, figures.bare, mpop),
      ];
    } finally {
      await hub.stop();
    }
  },
};
