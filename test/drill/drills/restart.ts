import type { Drill } from '../drill.ts';
import { companiesOf, everyMailbox } from '../drill.ts';

export const restart: Drill = {
  name: 'restart',
  what: 'the whole local cloud stopped in mid-work and started again',
  alarms: ['watchdog-heartbeat'],
  stopsMailboxes: false,
  breakIt: async (world, note) => {
    const { emulator } = world.cloud;
    if (emulator === undefined) throw new Error('The emulator is not ours to stop: unset AWS_ENDPOINT_URL');
    await everyMailbox(world, async (company, mailbox) => {
      await company.receive(mailbox, 3);
      await company.send(mailbox);
      await company.send(mailbox);
    });
    await Promise.all(
      companiesOf(world).map((company) =>
        company.hub.post('/mailboxes/bulk', {
          select: { mailboxIds: company.mailboxes.map(({ mailboxId }) => mailboxId) },
          action: 'sync',
          arguments: { workloads: ['incoming'] },
        }),
      ),
    );
    const since = Date.now();
    await emulator.stop();
    await everyMailbox(world, (company, mailbox) => company.receive(mailbox));
    await emulator.start();
    note(`down for ${Math.round((Date.now() - since) / 1000)} s`);
  },
  tell: async () =>
    'nothing but late mail; an outage of the region shows in its own status page and in `watchdog-heartbeat`',
};
