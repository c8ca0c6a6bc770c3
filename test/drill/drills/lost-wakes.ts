import { eventually } from '../../../local/eventually.ts';
import type { DrilledMailbox } from '../company.ts';
import type { Drill } from '../drill.ts';
import { everyMailbox, tellLateness } from '../drill.ts';

const lateness = ['incoming-oldest-lateness', 'outgoing-oldest-lateness', 'pending-send-age'];

export const schedules: Drill = {
  name: 'schedules',
  what: 'all schedules of the group deleted',
  alarms: lateness,
  stopsMailboxes: true,
  breakIt: async (world, note) => {
    // Far enough off to have a timer.
    await everyMailbox(world, (company, mailbox) => company.send(mailbox, 30));
    const deleted: string[] = [];
    await eventually(
      async () => {
        deleted.push(...(await world.tools.deleteSchedules()));
        // A mailbox that is being read just now has none; it gets its next one at the end.
        const isHit = ({ mailboxId }: DrilledMailbox): boolean =>
          deleted.some((name) => name.startsWith(`${mailboxId}-incoming-`));
        return world.timed.mailboxes.every(isHit) ? true : undefined;
      },
      { what: 'the timer of each mailbox is deleted', seconds: 120, everyMilliseconds: 500 },
    );
    note(`${deleted.length} schedules deleted`);
    await everyMailbox(world, (company, mailbox) => company.receive(mailbox));
  },
  tell: async (_world, _since, watchdog) => tellLateness(watchdog),
};

export const queues: Drill = {
  name: 'queues',
  what: 'the queues of all lanes purged',
  alarms: lateness,
  stopsMailboxes: true,
  breakIt: async (world) => {
    await everyMailbox(world, async (company, mailbox) => {
      await company.send(mailbox, 10);
      await company.send(mailbox);
    });
    await world.tools.purgeQueues();
    await everyMailbox(world, (company, mailbox) => company.receive(mailbox));
  },
  tell: async (_world, _since, watchdog) => tellLateness(watchdog),
};

export const schedulesAndQueues: Drill = {
  name: 'both',
  what: 'all schedules deleted and all queues purged at once',
  alarms: lateness,
  stopsMailboxes: true,
  breakIt: async (world, note) => {
    await everyMailbox(world, async (company, mailbox) => {
      await company.send(mailbox, 30);
      await company.send(mailbox);
    });
    const [deleted] = await Promise.all([world.tools.deleteSchedules(), world.tools.purgeQueues()]);
    // What ran at that moment has armed and sent anew.
    await Promise.all([world.tools.deleteSchedules(), world.tools.purgeQueues()]);
    note(`${deleted.length} schedules deleted`);
    await everyMailbox(world, (company, mailbox) => company.receive(mailbox));
  },
  tell: async (_world, _since, watchdog) => tellLateness(watchdog),
};
