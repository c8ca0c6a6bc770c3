import type { CycleMessage } from '../../../shared/cycle/lane-message.ts';
import { type LaneRecord, type LaneVerdict, runLaneBatch } from '../../../shared/cycle/run-lane-batch.ts';
import type { Usage } from './usage.ts';

export interface LaneModelOptions {
  readonly mailboxIds: readonly string[];
  /** Invocations at a time at most, as the event source is set. */
  readonly concurrency: number;
  readonly usage: Usage;
  readonly now: () => number;
  /** Calls `open` when the message is to be seen again. */
  readonly later: (at: number, message: number) => void;
  /** Calls `begin` once the function has the batch. */
  readonly start: (batch: number) => void;
  readonly process: (mailbox: number, body: CycleMessage, receiveCount: number) => Promise<LaneVerdict>;
  readonly fail: (error: unknown) => void;
}

const none = -1;
const batchSize = 10;

/**
 * A FIFO queue with its event source: groups in order, one message of a group at a time, as many batches at a time as
 * the event source may have in flight, each of what waits.
 */
export class LaneModel {
  readonly #options: LaneModelOptions;
  readonly #bodies: CycleMessage[] = [];
  readonly #mailboxes: number[] = [];
  readonly #receives: number[] = [];
  readonly #followers: number[] = [];
  readonly #names: string[] = [];
  readonly #waits: number[] = [];
  readonly #free: number[] = [];
  readonly #heads: Int32Array;
  readonly #tails: Int32Array;
  #ready: number[] = [];
  #taken = 0;
  readonly #batches: number[][] = [];
  readonly #freeBatches: number[] = [];
  inFlight = 0;
  mostInFlight = 0;
  mostWaiting = 0;
  messagesTaken = 0;
  batchesTaken = 0;
  busyMilliseconds = 0;

  constructor(options: LaneModelOptions) {
    this.#options = options;
    this.#heads = new Int32Array(options.mailboxIds.length).fill(none);
    this.#tails = new Int32Array(options.mailboxIds.length).fill(none);
  }

  get waiting(): number {
    return this.#ready.length - this.#taken;
  }

  enqueue(mailbox: number, body: CycleMessage): void {
    const message = this.#free.pop() ?? this.#bodies.length;
    this.#bodies[message] = body;
    this.#mailboxes[message] = mailbox;
    this.#receives[message] = 0;
    this.#followers[message] = none;
    this.#names[message] ??= String(message);
    const tail = this.#tails[mailbox] ?? none;
    this.#tails[mailbox] = message;
    if (tail === none) {
      this.#heads[mailbox] = message;
      this.open(message);
    } else this.#followers[tail] = message;
  }

  /** The message may be received. */
  open(message: number): void {
    this.#ready.push(message);
    this.mostWaiting = Math.max(this.mostWaiting, this.waiting);
    this.#dispatch();
  }

  /** The function has the batch. */
  begin(batch: number): void {
    const messages = this.#batches[batch] ?? [];
    const { mailboxIds, now } = this.#options;
    const startedAt = now();
    const records = messages.map((message): LaneRecord => {
      const name = this.#names[message] ?? '';
      const receiveCount = (this.#receives[message] ?? 0) + 1;
      this.#receives[message] = receiveCount;
      const group = mailboxIds[this.#mailboxes[message] ?? 0] ?? '';
      return { messageId: name, receiptHandle: name, body: '', group, receiveCount };
    });
    runLaneBatch(records, {
      process: (record) => {
        const message = Number(record.messageId);
        const body = this.#bodies[message];
        if (body === undefined) throw new Error('A message has no body');
        return this.#options.process(this.#mailboxes[message] ?? 0, body, record.receiveCount);
      },
      pushBack: async (record, seconds) => {
        this.#waits[Number(record.messageId)] = seconds;
        this.#options.usage.queuePushBacks.add(now());
      },
      onDefect: this.#options.fail,
    }).then((results) => this.#end(batch, messages, results, startedAt), this.#options.fail);
  }

  #dispatch(): void {
    const { usage, now, concurrency } = this.#options;
    while (this.inFlight < concurrency && this.waiting > 0) {
      const messages = this.#ready.slice(this.#taken, this.#taken + batchSize);
      this.#taken += messages.length;
      if (this.#taken > 65_536 || this.#taken === this.#ready.length) {
        this.#ready = this.#ready.slice(this.#taken);
        this.#taken = 0;
      }
      const batch = this.#freeBatches.pop() ?? this.#batches.length;
      this.#batches[batch] = messages;
      this.inFlight += 1;
      this.mostInFlight = Math.max(this.mostInFlight, this.inFlight);
      this.messagesTaken += messages.length;
      this.batchesTaken += 1;
      usage.queueReceives.add(now());
      usage.invocations.add(now());
      this.#options.start(batch);
    }
  }

  #end(
    batch: number,
    messages: readonly number[],
    results: readonly PromiseSettledResult<void>[],
    startedAt: number,
  ): void {
    const { now, usage } = this.#options;
    this.inFlight -= 1;
    this.#freeBatches.push(batch);
    this.busyMilliseconds += now() - startedAt;
    if (results.some(({ status }) => status === 'fulfilled')) usage.queueDeletes.add(now());
    for (const [index, message] of messages.entries()) {
      const mailbox = this.#mailboxes[message] ?? 0;
      if (results[index]?.status !== 'fulfilled') {
        this.#options.later(now() + (this.#waits[message] ?? 1) * 1000, message);
        continue;
      }
      const follower = this.#followers[message] ?? none;
      this.#heads[mailbox] = follower;
      if (follower === none) this.#tails[mailbox] = none;
      this.#free.push(message);
      if (follower !== none) this.open(follower);
    }
    this.#dispatch();
  }
}
