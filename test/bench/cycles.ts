import { dynamoDbLocalDirectory, withDynamoDbLocal } from './support/dynamodb-local.ts';
import type { Figure } from './support/figure.ts';
import { fillMailbox } from './support/fill-mailbox.ts';
import { decimals, whole } from './support/format.ts';
import { type BenchMailbox, type HubWorld, startHubWorld } from './support/hub-world.ts';
import { textMessages } from './support/messages.ts';
import { StageClock } from './support/stage-clock.ts';

const messages = 1_000;

/** Whole cycles until the mailbox has nothing more, and the feed behind them. */
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

const measureCycles = async (tables: string) => {
  const hub = await startHubWorld({ mailboxes: 1 });
  try {
    const [mailbox] = hub.mailboxes;
    if (mailbox === undefined) throw new Error('A mailbox is needed');
    await hub.run('incoming', [mailbox.mailboxId]);
    await fillMailbox(hub.servers, mailbox.mailUser, textMessages(messages, mailbox.mailUser.address));
    const { seconds, stages, feedSeconds } = await readInCycles(hub, mailbox, messages);
    return [
      {
        what: `whole cycles, ${whole(messages)} messages, tables in ${tables}`,
        value: `${whole(messages / seconds)}/s`,
        against: stages
          .map(({ name, share, calls }) => `${name} ${decimals(share * 100, 0)} % (${whole(calls)} calls)`)
          .join(', '),
      },
      { what: 'feed behind them', value: `${whole(messages / feedSeconds)}/s` },
    ];
  } finally {
    await hub.stop();
  }
};

const describe = `${whole(messages)} messages tracked by whole cycles: tables, bucket and feed written`;

export const cycles: Figure = { describe, measure: () => measureCycles('the emulator') };

/** The same with the tables in AWS's own emulator of DynamoDB. */
export const cyclesOnDynamoDbLocal: Figure = {
  describe,
  measure: () => withDynamoDbLocal(dynamoDbLocalDirectory() ?? '', () => measureCycles('DynamoDB Local')),
};
