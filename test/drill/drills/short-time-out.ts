import { eventually } from '../../../local/eventually.ts';
import type { Drill, DrillWorld } from '../drill.ts';
import { companiesOf, everyMailbox } from '../drill.ts';

const messages = 300;
/** As many as the alarm `incoming-errors` wants in a period. */
const failedInvocations = 3;
const complaint = 'its time-out is below what the deployment sets';

const countFailed = async ({ tools }: DrillWorld, since: number): Promise<number> =>
  (await tools.readLog('incoming', since)).filter((line) => line.includes(complaint)).length;

export const shortTimeOut: Drill = {
  name: 'time-out',
  what: `the time-out of the lane incoming set to 3 s while a mailbox has ${messages} new messages, then set back`,
  alarms: ['incoming-errors', 'incoming-oldest-lateness', 'incoming-dead-letters'],
  stopsMailboxes: false,
  breakIt: async (world, note) => {
    const { tools, timed, laneTimeoutSeconds } = world;
    const since = Date.now();
    await tools.setTimeout('incoming', 3);
    const [big] = timed.mailboxes;
    if (big === undefined) throw new Error('There is no mailbox');
    const quarter = messages / 4;
    await Promise.all(Array.from({ length: 4 }, () => timed.receive(big, quarter)));
    await everyMailbox(world, async (company, mailbox) => {
      await company.send(mailbox);
      await company.receive(mailbox);
    });
    const failed = await eventually(
      async () => {
        const errors = await countFailed(world, since);
        return errors >= failedInvocations ? errors : undefined;
      },
      { what: 'invocations fail and say why', seconds: 120, everyMilliseconds: 2000 },
    );
    note(`${failed} invocations failed`);
    await tools.setTimeout('incoming', laneTimeoutSeconds);
  },
  tell: async (world, since) => {
    for (const company of companiesOf(world))
      for (const mailbox of company.mailboxes) {
        const { workloads } = await company.schedule(mailbox);
        if (workloads.incoming.state !== 'enabled')
          throw new Error(`${mailbox.address} was disabled for the fault of the deployment`);
      }
    return `\`Errors\` of the lane's function; its log says "${complaint}" (${await countFailed(world, since)} times)`;
  },
};
