import { appendMessage } from '../support/mailbox-client.ts';
import { addRequests, describeRequests, RequestCounter, type Requests, scaleRequests } from './cost/count-requests.ts';
import { dollarsOf, priceDate, storagePerGigabyteMonth } from './cost/prices.ts';
import type { Figure, Row } from './support/figure.ts';
import { brief, decimals, dollars } from './support/format.ts';
import { type HubWorld, startHubWorld } from './support/hub-world.ts';
import { textMessage } from './support/messages.ts';

const batch = 8;
const cyclesPerMonth = 8_640;
const daysPerMonth = 30;
/** Of an idle cycle: a login at a server on the internet, 512 MB on arm64. */
const idleSeconds = 1.2;
const memoryGigabytes = 0.5;
/** A server takes this much longer for each message; a Send with its copy is two short sessions. */
const messageSeconds = 0.15;
const sendSeconds = 2.5;
const apiSeconds = 0.1;

/** What Lambda and Scheduler do around the lane's function, for one mailbox of a batch of so many. */
const aroundCycle = (mailboxes: number, seconds: number, timers: number): Requests =>
  new Map([
    ['scheduler.invocation', timers],
    ['sqs.SendMessage', timers],
    ['sqs.ReceiveMessage', 1 / mailboxes],
    ['sqs.DeleteMessage', 1 / mailboxes],
    ['lambda.request', 1 / mailboxes],
    ['lambda.gbSecond', (seconds * memoryGigabytes) / mailboxes],
  ]);

const subtract = (one: Requests, other: Requests): Requests => addRequests(one, scaleRequests(other, -1));

const row = (what: string, requests: Requests, more: Partial<Row> = {}): Row => ({
  what,
  value: `${dollars(dollarsOf(requests) * 1_000)} a thousand`,
  against: describeRequests(requests),
  ...more,
});

class Costs {
  readonly #hub: HubWorld;
  readonly #counter: RequestCounter;

  constructor(hub: HubWorld, counter: RequestCounter) {
    this.#hub = hub;
    this.#counter = counter;
  }

  /** Per mailbox. */
  async idleCycle(mailboxes: number): Promise<Requests> {
    const ids = this.#hub.mailboxes.slice(0, mailboxes).map(({ mailboxId }) => mailboxId);
    let counted: Requests = new Map();
    await this.#hub.run('incoming', ids, async (invoke) => {
      counted = await this.#counter.count(invoke);
    });
    const perMailbox = scaleRequests(counted, 1 / mailboxes);
    return addRequests(perMailbox, aroundCycle(mailboxes, idleSeconds, 1));
  }

  /** Per email, of so many that one cycle finds, feed included. */
  async trackedEmail(emails: number, idle: Requests): Promise<Requests> {
    const [mailbox] = this.#hub.mailboxes;
    if (mailbox === undefined) throw new Error('There is no mailbox');
    for (let number = 0; number < emails; number += 1)
      await appendMessage(this.#hub.servers.environment, mailbox.mailUser, textMessage(mailbox.mailUser.address));
    let cycle: Requests = new Map();
    let feed: Requests = new Map();
    await this.#hub.feed();
    await this.#hub.run('incoming', [mailbox.mailboxId], async (invoke) => {
      cycle = await this.#counter.count(invoke);
    });
    const records = await this.#hub.feed(async (invoke) => {
      feed = await this.#counter.count(invoke);
    });
    if (records === 0) throw new Error('Nothing came to the stream');
    const invocation: Requests = new Map([
      ['lambda.request', 1],
      ['lambda.gbSecond', 0.1 * memoryGigabytes],
    ]);
    const extra = addRequests(subtract(cycle, idle), feed, invocation);
    const time: Requests = new Map([['lambda.gbSecond', messageSeconds * memoryGigabytes]]);
    return addRequests(scaleRequests(extra, 1 / emails), time);
  }

  /** One Send, from the call of the api to its Sent copy, with both wakes and the feed. */
  async send(): Promise<Requests> {
    const [mailbox] = this.#hub.mailboxes;
    if (mailbox === undefined) throw new Error('There is no mailbox');
    const to = this.#hub.mailboxes[1]?.mailUser.address;
    const email = {
      from: { owner: `ext:${mailbox.mailUser.address}` },
      to: [{ address: to }],
      subject: 'Our offer',
      body: { text: 'As we said.\n'.repeat(40) },
      send: true,
    };
    const parts: Requests[] = [];
    const collect = async (invoke: () => Promise<void>): Promise<void> => {
      parts.push(await this.#counter.count(invoke));
    };
    await this.#hub.feed();
    await collect(async () => {
      const { status, body } = await this.#hub.call('POST', '/emails', email);
      if (status !== 202) throw new Error(`Answered ${status}: ${JSON.stringify(body)}`);
    });
    await this.#hub.run('outgoing', [mailbox.mailboxId], collect);
    await this.#hub.feed(collect);
    // The stream's own wake finds nothing more to do.
    await this.#hub.run('outgoing', [mailbox.mailboxId], collect);
    return addRequests(
      ...parts,
      aroundCycle(1, sendSeconds, 0),
      aroundCycle(1, 0.1, 0),
      new Map([
        ['httpApi.request', 1],
        ['lambda.request', 2],
        ['lambda.gbSecond', 2 * apiSeconds * memoryGigabytes],
      ]),
    );
  }
}

const loads = [
  { name: 'no mail', tracked: 0, sends: 0 },
  { name: '10 tracked and 3 sent a day', tracked: 10, sends: 3 },
  { name: '40 tracked and 10 sent a day', tracked: 40, sends: 10 },
];

export const cost: Figure = {
  describe: 'billable requests to AWS, counted at the SDK, times list prices',
  measure: async (progress) => {
    const hub = await startHubWorld({
      mailboxes: batch,
      settings: { outgoing: { allowUnresolvedRecipients: true, sandboxAllow: ['*'] } },
    });
    try {
      const counter = new RequestCounter();
      const costs = new Costs(hub, counter);
      progress('cycles');
      // The first cycle of a mailbox begins its cursor, and keys are unwrapped once an hour.
      for (let round = 0; round < 2; round += 1)
        await hub.run(
          'incoming',
          hub.mailboxes.map(({ mailboxId }) => mailboxId),
        );
      const alone = await costs.idleCycle(1);
      const together = await costs.idleCycle(batch);
      progress('emails');
      await costs.trackedEmail(1, new Map());
      const bare = subtract(alone, aroundCycle(1, idleSeconds, 1));
      const email = await costs.trackedEmail(1, bare);
      const emails = await costs.trackedEmail(20, bare);
      progress('sends');
      await costs.send();
      const send = await costs.send();
      const units = (requests: Requests, kind: string): number => requests.get(kind) ?? 0;
      const queue = (requests: Requests): number =>
        [...requests].reduce((sum, [kind, amount]) => sum + (kind.startsWith('sqs.') ? amount : 0), 0);
      const monthly = (cycle: Requests, tracked: number, sends: number): number =>
        dollarsOf(cycle) * cyclesPerMonth + daysPerMonth * (tracked * dollarsOf(email) + sends * dollarsOf(send));
      const sizes = counter.itemSizes;
      const stored = counter.storedSizes;
      const emailBytes = (stored.get('email') ?? 0) + (stored.get('decision') ?? 0);
      return [
        row(`idle incoming cycle, alone (prices of ${priceDate})`, alone),
        row(`idle incoming cycle, in a batch of ${batch}`, together),
        {
          what: 'write units of it',
          value: decimals(units(together, 'dynamodb.writeUnits'), 2),
          budget: '3',
          kept: units(together, 'dynamodb.writeUnits') <= 3,
        },
        {
          what: 'read units of it',
          value: decimals(units(together, 'dynamodb.readUnits'), 2),
          budget: '1 to 2',
          kept: units(together, 'dynamodb.readUnits') <= 2,
        },
        {
          what: 'SQS requests of it, alone / in the batch',
          value: `${decimals(queue(alone), 2)} / ${decimals(queue(together), 2)}`,
          budget: '3 / 1.25',
          kept: queue(alone) <= 3 && queue(together) <= 1.25,
        },
        row('tracked email of 2 KB, alone in its cycle', email),
        row('tracked email of 2 KB, one of 20 in its cycle', emails),
        row('Send of 1 KB to one recipient, with its copy', send),
        ...loads.flatMap(({ name, tracked, sends }) =>
          [together, alone].map((cycle, index) => ({
            what: `mailbox-month, ${name}, batches of ${index === 0 ? batch : 1}`,
            value: dollars(monthly(cycle, tracked, sends)),
            ...(tracked === 0 && index === 0
              ? { budget: '$0.045', kept: monthly(cycle, tracked, sends) <= 0.045 }
              : {}),
          })),
        ),
        {
          what: 'storage, a thousand tracked emails of 2 KB for a month',
          value: dollars(
            ((emailBytes * (storagePerGigabyteMonth.tables + storagePerGigabyteMonth.pointInTimeRecovery) +
              2 * 2_048 * storagePerGigabyteMonth.bucket) *
              1_000) /
              1e9,
          ),
          against: [...sizes].map(([kind, bytes]) => `${kind} ${brief(bytes)} B`).join(', '),
        },
      ];
    } finally {
      await hub.stop();
    }
  },
};
