import { eventually } from '../../../local/eventually.ts';
import type { Drill } from '../drill.ts';
import { companiesOf, everyMailbox } from '../drill.ts';

const recordsEach = 20;

export const feedOff: Drill = {
  name: 'feed',
  what: "the feed function's event source off during many changes, then on again with a second reader of the whole stream",
  alarms: ['feed-silent', 'feed-behind'],
  stopsMailboxes: false,
  breakIt: async (world, note) => {
    const { tools, timed } = world;
    const head = await timed.hub.get<{ readonly sequence: number }>('/feed/head');
    await tools.setEventSource('feed', false);
    await everyMailbox(world, async (company, mailbox, index) => {
      await company.receive(mailbox, 3);
      await company.send(mailbox);
      for (let number = 0; number < recordsEach; number += 1)
        for (const displayName of ['before', 'after'])
          await company.hub.put(`/records/contact/ext:${index}-${number}`, { displayName: `${displayName} ${number}` });
    });
    // All of it is done before the feed learns of any of it.
    await eventually(
      async () => {
        const haveSent = await Promise.all(companiesOf(world).map((company) => company.hasSentAll()));
        return haveSent.every(Boolean) ? true : undefined;
      },
      { what: 'all is sent while the feed is off', seconds: 120, everyMilliseconds: 1000 },
    );
    const still = await timed.hub.get<{ readonly sequence: number }>('/feed/head');
    await tools.setEventSource('feed', true);
    const endReading = await tools.readStreamAgain('feed');
    await Promise.all([timed.settle(180), world.queued.settle(180)]);
    await endReading();
    const after = await timed.hub.get<{ readonly sequence: number }>('/feed/head');
    note(`${still.sequence - head.sequence} events while off, ${after.sequence - still.sequence} after`);
  },
  tell: async () =>
    '`FeedSilenceSeconds` grows while the source is off; CRMs see nothing new, and all of it in order afterwards',
};
