import { DeleteMessageBatchCommand, ReceiveMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import type { SQSBatchResponse } from 'aws-lambda';
import type { FaultPlan } from '../plan/fault-plan.ts';
import type { AwsCall } from '../proxy/aws-call.ts';
import type { Invoker } from './invoker.ts';
import { Mailbag, type QueuedMessage } from './mailbag.ts';
import type { WorldClock } from './world-clock.ts';

export const lanes = ['incoming', 'outgoing', 'operations'] as const;
export type Lane = (typeof lanes)[number];

const batchSize = 10;
/** Invocations of one lane at a time. */
const concurrency = 3;
const maxReceiveCount = 50;
export const visibilitySeconds = 150;
/** Hardly more than what a run keeps for its end: it has to go on in the next one, and the next. */
const shortSeconds = 12.3;
/** How far the clocks of two functions may differ. */
const skewSeconds = [5, -5] as const;

const eventOf = (lane: Lane, messages: readonly QueuedMessage[], isDead = false) => ({
  Records: messages.map((message) => ({
    messageId: message.id,
    receiptHandle: `${lane}/${message.receipt}`,
    body: message.body,
    attributes: { MessageGroupId: message.group, ApproximateReceiveCount: String(message.receiveCount) },
    messageAttributes: {},
    md5OfBody: '',
    eventSource: 'aws:sqs',
    eventSourceARN: `arn:aws:sqs:us-east-1:000000000000:fault-${lane}${isDead ? '-dead-letters' : ''}.fifo`,
    awsRegion: 'us-east-1',
  })),
});

const failedOf = (value: unknown): ReadonlySet<string> =>
  new Set((value as SQSBatchResponse | undefined)?.batchItemFailures.map(({ itemIdentifier }) => itemIdentifier));

export interface LanesOptions {
  readonly client: SQSClient;
  readonly urls: Readonly<Record<Lane, string>>;
  readonly invoker: Invoker;
  readonly clock: WorldClock;
  readonly plan: () => FaultPlan;
}

/** The event sources of the lanes: queues, batches, redelivery, and what can go wrong with each. */
export class Lanes {
  readonly #bags: Readonly<Record<Lane, Mailbag>> = {
    incoming: new Mailbag(visibilitySeconds),
    outgoing: new Mailbag(visibilitySeconds),
    operations: new Mailbag(visibilitySeconds),
  };
  readonly #options: LanesOptions;
  readonly #unread = new Set<Lane>();
  readonly #givenUp: string[] = [];
  /** Received, and to be processed when a successor has been. */
  #held: { readonly lane: Lane; readonly batch: readonly QueuedMessage[] }[] = [];
  #doubles = 0;

  constructor(options: LanesOptions) {
    this.#options = options;
  }

  /** Messages that were delivered too often although no fault had it so. */
  get givenUp(): readonly string[] {
    return this.#givenUp;
  }

  get waiting(): number {
    return lanes.reduce((sum, lane) => sum + this.#bags[lane].size, 0);
  }

  messagesOf(lane: Lane): readonly Readonly<QueuedMessage>[] {
    return this.#bags[lane].messages();
  }

  /** Something was sent to this lane's queue. */
  noteSend(lane: string): void {
    for (const one of lanes) if (one === lane) this.#unread.add(one);
  }

  /** What concerns messages in delivery is answered here, since the queue itself has handed them over. */
  answer(call: AwsCall): unknown {
    const { body, name } = call;
    if (name.startsWith('ChangeMessageVisibility')) {
      const [lane = '', ...receipt] = String(body['ReceiptHandle']).split('/');
      const bag = this.#bags[lane as Lane] as Mailbag | undefined;
      bag?.changeVisibility(receipt.join('/'), this.#options.clock.now() + Number(body['VisibilityTimeout']) * 1000);
      return {};
    }
    if (name.startsWith('DeleteMessage')) {
      // What a function acknowledges itself, while others of its batch go on.
      const [lane = '', ...receipt] = String(body['ReceiptHandle']).split('/');
      const bag = this.#bags[lane as Lane] as Mailbag | undefined;
      bag?.remove(receipt.join('/'));
      return {};
    }
    if (name.startsWith('GetQueueAttributes')) {
      const lane = lanes.find((one) => name.endsWith(one)) ?? 'incoming';
      return { Attributes: { ApproximateNumberOfMessages: String(this.#bags[lane].size) } };
    }
    return undefined;
  }

  /** Takes over what was sent to the queues. */
  async drain(): Promise<void> {
    for (const lane of [...this.#unread]) {
      this.#unread.delete(lane);
      const { client, urls } = this.#options;
      const QueueUrl = urls[lane];
      const { Messages = [] } = await client.send(
        new ReceiveMessageCommand({
          QueueUrl,
          MaxNumberOfMessages: 10,
          MessageSystemAttributeNames: ['MessageGroupId'],
        }),
      );
      if (Messages.length === 0) continue;
      if (Messages.length === 10) this.#unread.add(lane);
      for (const { MessageId = '', Body = '', Attributes } of Messages)
        this.#bags[lane].add({ id: MessageId, body: Body, group: Attributes?.['MessageGroupId'] ?? '' });
      const Entries = Messages.map(({ MessageId = '', ReceiptHandle }) => ({ Id: MessageId, ReceiptHandle }));
      await client.send(new DeleteMessageBatchCommand({ QueueUrl, Entries }));
    }
  }

  get hasUnread(): boolean {
    return this.#unread.size > 0;
  }

  /** Delivers a message once more that the queue would have dropped as a double some minutes earlier. */
  addDouble(lane: Lane, group: string, body: string): void {
    this.#doubles += 1;
    this.#bags[lane].add({ id: `double-${this.#doubles}`, group, body });
  }

  /** Starts what can start now. */
  dispatch(): void {
    const { invoker, clock } = this.#options;
    for (const lane of lanes)
      while (invoker.count(lane) < concurrency) {
        const taken = this.#bags[lane].take(clock.now(), batchSize);
        if (taken.length === 0) break;
        const dead = taken.filter(({ receiveCount }) => receiveCount > maxReceiveCount);
        const batch = taken.filter(({ receiveCount }) => receiveCount <= maxReceiveCount);
        this.#givenUp.push(...dead.map(({ body }) => body));
        if (dead.length > 0) void this.#giveUp(lane, dead);
        if (batch.length > 0) this.#deliver(lane, batch);
      }
  }

  nextVisibleAt(): number {
    return Math.min(...lanes.map((lane) => this.#bags[lane].nextVisibleAt()));
  }

  clear(): void {
    for (const lane of lanes) this.#bags[lane].clear();
    this.#unread.clear();
    this.#givenUp.length = 0;
    this.#held = [];
  }

  #deliver(lane: Lane, batch: readonly QueuedMessage[]): void {
    const { clock, plan } = this.#options;
    const step = { function: lane, channel: 'delivery', name: `${lane} batch` } as const;
    const fault = plan().decide({ ...step, moment: 'before' });
    switch (fault) {
      case 'deliveredTwice':
        void this.#run(lane, batch);
        break;
      case 'deliveredLate':
        // A throttled function starts what it received long after the queue has made it visible again.
        void clock.sleep(visibilitySeconds + 10).then(() => this.#run(lane, batch));
        return;
      case 'deliveredAfterSuccessor':
        this.#held.push({ lane, batch });
        return;
      case 'givenUp':
        void this.#giveUp(lane, batch);
        return;
      default:
    }
    void this.#run(lane, batch, {
      ...(fault === 'cutShort' ? { remainingSeconds: shortSeconds } : {}),
      ...(fault === 'clockSkewed' ? { skewSeconds: skewSeconds[plan().injected.length % 2] } : {}),
    }).then(() => {
      if (plan().decide({ ...step, moment: 'after' }) !== 'deliveredAgainLater') return;
      void clock.sleep(20).then(() => this.#run(lane, batch));
    });
  }

  async #run(lane: Lane, batch: readonly QueuedMessage[], limits = {}): Promise<void> {
    const end = await this.#options.invoker.invoke(lane, eventOf(lane, batch), limits);
    if (end.kind !== 'returned') return;
    const failed = failedOf(end.value);
    const done = batch.filter(({ id }) => !failed.has(id));
    for (const { receipt } of done) this.#bags[lane].remove(receipt);
    this.#release(lane, done);
  }

  /** Starts what was held until one of these had been processed. */
  #release(lane: Lane, done: readonly QueuedMessage[]): void {
    const isPredecessor = ({ id, group }: QueuedMessage): boolean =>
      done.some((one) => one.group === group && one.id !== id);
    const released = this.#held.filter((held) => held.lane === lane && held.batch.some(isPredecessor));
    this.#held = this.#held.filter((held) => !released.includes(held));
    for (const { batch } of released) void this.#run(lane, batch);
  }

  async #giveUp(lane: Lane, dead: readonly QueuedMessage[]): Promise<void> {
    for (const { receipt } of dead) this.#bags[lane].remove(receipt);
    for (;;) {
      const end = await this.#options.invoker.invoke('dead-letters', eventOf(lane, dead, true));
      if (end.kind === 'returned' && failedOf(end.value).size === 0) return;
      await this.#options.clock.sleep(visibilitySeconds);
    }
  }
}
