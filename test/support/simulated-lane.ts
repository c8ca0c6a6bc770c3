import { holdPlaces } from '../../functions/common/hold-places.ts';
import { type LaneRecord, runLaneBatch } from '../../shared/cycle/run-lane-batch.ts';
import { createLaneShares, type SharedLane, waitForShare } from '../../shared/lane-share/lane-shares.ts';
import { placesOfShare } from '../../shared/lane-share/share-limits.ts';
import { createThrottleOver } from '../../shared/throttle/throttle.ts';
import { createMemoryThrottle } from './memory-throttle.ts';
import type { VirtualClock } from './virtual-clock.ts';

/** Work that comes again and again: a mailbox with its cycles, a webhook with its slices. */
export interface RecurringWork {
  readonly organizationId: string;
  readonly group: string;
  /** From the end of a run to when the next one is due; 0: there is always more. */
  readonly everySeconds: number;
  /** How long a run takes, and holds its invocation. */
  readonly holdSeconds: number;
  readonly firstAtSeconds: number;
}

interface Message {
  readonly record: LaneRecord;
  readonly work: RecurringWork;
  readonly dueAt: number;
  receiveCount: number;
}

export interface SimulatedLaneOptions {
  readonly lane: SharedLane;
  readonly concurrency: number;
  readonly batchSize: number;
  /** 100: organizations have no shares. */
  readonly sharePercent: number;
  /** When Lambda stops an invocation. */
  readonly timeoutSeconds: number;
}

const longestCallMilliseconds = 30;
const startMilliseconds = 20;
/** What is done is acknowledged by then, though others of its batch go on. */
const acknowledgementMilliseconds = 1_500;

/**
 * The event source of a lane on a virtual clock, with the product's own batches, shares and waits: a queue in which each
 * group is one run at a time, and as many invocations at a time as Lambda is allowed.
 */
export class SimulatedLane {
  /** Seconds from due to begun, by organization. */
  readonly lateness = new Map<string, number[]>();
  readonly #clock: VirtualClock;
  readonly #options: SimulatedLaneOptions;
  readonly #random: () => number;
  readonly #shares;
  readonly #ready: Message[] = [];
  #inFlight = 0;
  #number = 0;

  constructor(clock: VirtualClock, options: SimulatedLaneOptions, random: () => number) {
    this.#clock = clock;
    this.#options = options;
    this.#random = random;
    const items = createMemoryThrottle();
    const call = async <Value>(effect: () => Promise<Value>): Promise<Value> => {
      await clock.sleep(random() * longestCallMilliseconds);
      return structuredClone(await effect());
    };
    this.#shares = createLaneShares({
      lane: options.lane,
      limits: { placesOf: async () => placesOfShare(options.concurrency, options.sharePercent) },
      throttle: createThrottleOver(
        {
          change: (key, change) => call(() => items.change(key, change)),
          create: (key) => call(() => items.create(key)),
        },
        clock.now,
      ),
      now: clock.now,
    });
  }

  start(works: readonly RecurringWork[]): void {
    for (const work of works) void this.#becomeDue(work, work.firstAtSeconds * 1000);
  }

  async #becomeDue(work: RecurringWork, afterMilliseconds: number): Promise<void> {
    await this.#clock.sleep(afterMilliseconds);
    this.#number += 1;
    const name = `m${this.#number}`;
    const body = JSON.stringify({ organizationId: work.organizationId });
    const record = { messageId: name, receiptHandle: name, group: work.group, body, receiveCount: 0 };
    this.#offer({ record, work, dueAt: this.#clock.now(), receiveCount: 0 });
  }

  #offer(message: Message): void {
    this.#ready.push(message);
    while (this.#inFlight < this.#options.concurrency && this.#ready.length > 0)
      void this.#invoke(this.#ready.splice(0, this.#options.batchSize));
  }

  async #invoke(batch: readonly Message[]): Promise<void> {
    this.#inFlight += 1;
    await this.#clock.sleep(startMilliseconds);
    const messages = new Map(batch.map((message) => [message.record.messageId, message]));
    const records = batch.map((message) => {
      message.receiveCount += 1;
      return { ...message.record, receiveCount: message.receiveCount };
    });
    const endsAt = this.#clock.now() + this.#options.timeoutSeconds * 1000;
    const random = this.#random();
    const places = holdPlaces(
      records,
      { shares: this.#shares, report: async () => undefined },
      endsAt,
      () => undefined,
    );
    await runLaneBatch(records, {
      process: async (record) => {
        const until = await places.admit(record);
        const now = this.#clock.now();
        const message = messages.get(record.messageId);
        if (message === undefined) throw new Error('Another batch');
        if (until === undefined) return this.#work(message);
        return waitForShare({ send: async () => undefined }, this.#options.lane, record, {
          until,
          now,
          random,
        });
      },
      pushBack: async ({ messageId }, seconds) => {
        const message = messages.get(messageId);
        if (message !== undefined) void this.#clock.sleep(seconds * 1000).then(() => this.#offer(message));
      },
      onDefect: (error) => {
        throw error;
      },
      onEnd: async (record, done) => {
        const message = messages.get(record.messageId);
        if (done && message !== undefined)
          void this.#becomeDue(message.work, Math.max(acknowledgementMilliseconds, message.work.everySeconds * 1000));
        await places.finish(record);
      },
    });
    this.#inFlight -= 1;
    while (this.#inFlight < this.#options.concurrency && this.#ready.length > 0)
      void this.#invoke(this.#ready.splice(0, this.#options.batchSize));
  }

  async #work({ work, dueAt }: Message): Promise<{ readonly done: true }> {
    const { organizationId } = work;
    const late = (this.#clock.now() - dueAt) / 1000;
    const known = this.lateness.get(organizationId) ?? [];
    known.push(late);
    this.lateness.set(organizationId, known);
    await this.#clock.sleep(work.holdSeconds * 1000 * (0.9 + 0.1 * this.#random()));
    return { done: true };
  }
}
