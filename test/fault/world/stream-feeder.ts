import type { DynamoDBRecord } from 'aws-lambda';
import type { FaultPlan } from '../plan/fault-plan.ts';
import type { Invoker } from './invoker.ts';
import type { WorldClock } from './world-clock.ts';

export interface StreamFeederOptions {
  /** What was written since the call before. */
  readonly read: () => Promise<readonly DynamoDBRecord[]>;
  readonly invoker: Invoker;
  readonly clock: WorldClock;
  readonly plan: () => FaultPlan;
}

const batchSize = 100;
const racers = 3;
/** Writes come many at a time, and one read brings them all. */
const pauseMilliseconds = 25;

const isPublished = (record: DynamoDBRecord): boolean => record.dynamodb?.NewImage?.['published']?.S === 'yes';

/** The event source of the feed function: batches of the records stream, in order, each until it is taken. */
export class StreamFeeder {
  readonly #options: StreamFeederOptions;
  readonly #waiting: DynamoDBRecord[] = [];
  /** Everything that the stream told, for comparison. */
  readonly #told: DynamoDBRecord[] = [];
  #unread = true;
  #readAt = 0;
  #delivering: Promise<void> | undefined;
  #previous: readonly DynamoDBRecord[] = [];

  constructor(options: StreamFeederOptions) {
    this.#options = options;
  }

  get told(): readonly DynamoDBRecord[] {
    return this.#told;
  }

  /** Whether there is something to read at once. */
  get hasUnread(): boolean {
    return this.#unread;
  }

  /** Milliseconds until it may be read again. */
  get pause(): number {
    return Math.max(1, this.#readAt + pauseMilliseconds - performance.now());
  }

  get isQuiet(): boolean {
    return !this.#unread && this.#waiting.length === 0 && this.#delivering === undefined;
  }

  noteWrite(): void {
    this.#unread = true;
  }

  async poll(): Promise<void> {
    if (this.#unread && performance.now() - this.#readAt >= pauseMilliseconds) {
      this.#unread = false;
      this.#readAt = performance.now();
      const seconds = Math.floor(this.#options.clock.now() / 1000);
      for (const record of await this.#options.read()) {
        // The emulator's clock is behind the world's.
        Object.assign(record.dynamodb ?? {}, { ApproximateCreationDateTime: seconds });
        this.#told.push(record);
        if (isPublished(record)) this.#waiting.push(record);
      }
    }
    if (this.#waiting.length === 0 || this.#delivering !== undefined) return;
    const batch = this.#waiting.splice(0, batchSize);
    this.#delivering = this.#deliver(batch).finally(() => {
      this.#delivering = undefined;
    });
  }

  /** Reads to the end and forgets it. */
  async settle(): Promise<void> {
    await this.#options.read();
    this.#unread = false;
    this.#waiting.length = 0;
    this.#told.length = 0;
    this.#previous = [];
  }

  async #deliver(batch: readonly DynamoDBRecord[]): Promise<void> {
    const { clock, plan } = this.#options;
    for (;;) {
      const fault = plan().decide({ function: 'feed', channel: 'stream', name: 'records', moment: 'before' });
      const readers = fault === 'streamRaced' ? racers : 1;
      const ends = await Promise.all(Array.from({ length: readers }, () => this.#invoke(batch)));
      if (fault === 'streamRepeated') {
        await this.#invoke([...this.#previous, ...batch].slice(-batchSize));
        await this.#invoke(batch);
      }
      if (ends.some((end) => end)) break;
      await clock.sleep(1);
    }
    this.#previous = batch;
  }

  async #invoke(Records: readonly DynamoDBRecord[]): Promise<boolean> {
    const end = await this.#options.invoker.invoke('feed', { Records, shardId: 'shard-1' });
    return end.kind === 'returned';
  }
}
