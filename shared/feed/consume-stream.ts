import type { DynamoDBRecord } from 'aws-lambda';
import type { CycleControl } from '../cycle/cycle-control.ts';
import { organizationKind } from '../organization/organization.ts';
import type { EntityStore } from '../platform/entity-store.ts';
import type { LaneQueues } from '../platform/lane-queues.ts';
import { ringForPage } from '../webhook/ring-for-page.ts';
import { appendEvents, type FeedPages, type PositionedEvent, type TailMemory } from './append-events.ts';
import { buildEvents } from './build-events.ts';
import { bumpFeedEpoch, lastStreamRead, mayHaveLostRecords, noteStreamRead, suspiciousDelay } from './feed-epoch.ts';
import { createFeedPages } from './feed-pages.ts';
import { readStreamRecord, type StreamChange } from './stream-change.ts';

interface ConsumerCollaborators {
  readonly store: EntityStore;
  readonly queues: LaneQueues;
  readonly cycles: Pick<CycleControl, 'wake'>;
  /** Told of what waiting does not repair: an operator should read it. */
  readonly reportError: (message: string, details: Readonly<Record<string, unknown>>) => void;
  readonly now: () => Date;
}

/** What the feed function works with and remembers over its warm invocations. */
export interface StreamConsumer extends ConsumerCollaborators {
  readonly pages: FeedPages;
  readonly tails: TailMemory;
  readonly retentions: Map<string, { readonly days: number; readonly at: number }>;
  readonly noted: { streamReadAt: number };
}

export const createStreamConsumer = (collaborators: ConsumerCollaborators): StreamConsumer => ({
  ...collaborators,
  pages: createFeedPages(collaborators.store.table),
  tails: new Map(),
  retentions: new Map(),
  noted: { streamReadAt: 0 },
});

const noteEveryMilliseconds = 600_000;
const retentionMemoryMilliseconds = 300_000;
const retentionEntries = 2_000;
const parallelOrganizations = 8;
// A wake or a message that cannot be repeated for so long will not be: the watchdog has taken over what it is for.
const repeatMilliseconds = 900_000;

const readRecords = (consumer: StreamConsumer, records: readonly DynamoDBRecord[]): StreamChange[] =>
  records.flatMap((record) => {
    try {
      const change = readStreamRecord(record);
      for (const reason of change?.unreadable ?? [])
        consumer.reportError('A change in a stored item cannot be read; the feed goes on without it', {
          key: record.dynamodb?.Keys,
          reason,
        });
      return change === undefined ? [] : [change];
    } catch (error) {
      consumer.reportError('A record of the stream cannot be read; the feed goes on without it', {
        key: record.dynamodb?.Keys,
        reason: String(error),
      });
      return [];
    }
  });

/** Days that the organization keeps its feed; undefined when it is being erased, or there is none (any more). */
const retentionDays = async (consumer: StreamConsumer, organizationId: string): Promise<number | undefined> => {
  const now = consumer.now().getTime();
  const remembered = consumer.retentions.get(organizationId);
  if (remembered !== undefined && now - remembered.at < retentionMemoryMilliseconds) return remembered.days;
  const organization = await consumer.store.get(organizationKind, organizationId, organizationId);
  if (organization === undefined || organization.status === 'erasing') return undefined;
  const days = organization.settings.feed.retentionDays;
  if (consumer.retentions.size >= retentionEntries) consumer.retentions.clear();
  consumer.retentions.set(organizationId, { days, at: now });
  return days;
};

const appendForOrganization = async (
  consumer: StreamConsumer,
  shard: string,
  organizationId: string,
  events: readonly PositionedEvent[],
): Promise<void> => {
  const days = await retentionDays(consumer, organizationId);
  // What is told of an erased organization has no reader, and must not come back into the table.
  if (days === undefined) return;
  const now = consumer.now();
  const end = await appendEvents(consumer.pages, consumer.tails, {
    organizationId,
    shard,
    events,
    expiresAt: Math.ceil(now.getTime() / 1000) + days * 86_400,
    now,
  });
  try {
    await ringForPage(consumer, organizationId, end);
  } catch (error) {
    // The pages stand, and the watchdog rings for what nobody has rung for: the stream need not wait.
    consumer.reportError('Webhooks could not be rung for; it is left to the watchdog', {
      organizationId,
      reason: String(error),
    });
  }
};

/** Sends again what the writer of the item may not have lived to send. Doubles are dropped by the queue and the lane. */
const repeatFor = async (consumer: StreamConsumer, change: StreamChange): Promise<void> => {
  try {
    for (const { lane, mailboxId, deduplicationId, body } of change.laneMessages)
      await consumer.queues.send(lane, mailboxId, deduplicationId, body);
    if (change.wakes !== undefined) await consumer.cycles.wake(change.organizationId, change.wakes, 'outgoing');
  } catch (error) {
    if (consumer.now().getTime() - change.writtenAt < repeatMilliseconds) throw error;
    consumer.reportError('A wake could not be repeated for a quarter of an hour; it is left to the watchdog', {
      organizationId: change.organizationId,
      kind: change.kind,
      reason: String(error),
    });
  }
};

/** Runs the tasks a few at a time; one that fails keeps no other from running. */
const runAll = async (tasks: readonly (() => Promise<void>)[], parallel: number): Promise<unknown[]> => {
  const errors: unknown[] = [];
  const waiting = [...tasks];
  const work = async (): Promise<void> => {
    for (let task = waiting.shift(); task !== undefined; task = waiting.shift()) {
      try {
        await task();
      } catch (error) {
        errors.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: parallel }, work));
  return errors;
};

const watchForLoss = async (consumer: StreamConsumer, changes: readonly StreamChange[]): Promise<void> => {
  const now = consumer.now();
  const oldest = Math.min(...changes.map((change) => change.writtenAt));
  if (now.getTime() - oldest <= suspiciousDelay) return;
  const { table } = consumer.store;
  const lastReadAt = await lastStreamRead(table);
  if (!mayHaveLostRecords(oldest, lastReadAt, now)) return;
  const epoch = await bumpFeedEpoch(table, now);
  consumer.reportError('The stream was not read in time and may have dropped changes: every cursor was expired', {
    epoch,
    oldest: new Date(oldest).toISOString(),
    lastReadAt: lastReadAt === undefined ? null : new Date(lastReadAt).toISOString(),
  });
};

/**
 * Takes one delivery of one shard of the records stream: appends what it tells to the feed of each organization and
 * repeats wakes and queue messages. May be called again with the same records.
 *
 * @throws AggregateError when something could not be stored or sent; the stream then delivers the records again, and
 * what has been appended is recognised
 */
export const consumeStream = async (
  consumer: StreamConsumer,
  shard: string,
  records: readonly DynamoDBRecord[],
): Promise<void> => {
  const changes = readRecords(consumer, records);
  if (changes.length === 0) return;
  await watchForLoss(consumer, changes);

  const events = new Map<string, PositionedEvent[]>();
  for (const change of changes) {
    const own = events.get(change.organizationId) ?? [];
    own.push(
      ...buildEvents(change, (unshown) =>
        consumer.reportError('A change could not be shown; the feed tells it without data', { ...unshown }),
      ),
    );
    if (own.length > 0) events.set(change.organizationId, own);
  }
  const repeats = changes.filter(({ laneMessages, wakes }) => laneMessages.length > 0 || wakes !== undefined);
  // Wakes go first: somebody waits for the mail to leave.
  const errors = await runAll(
    [
      ...repeats.map((change) => () => repeatFor(consumer, change)),
      ...[...events].map(
        ([organizationId, own]) =>
          () =>
            appendForOrganization(consumer, shard, organizationId, own),
      ),
    ],
    parallelOrganizations,
  );
  if (errors.length > 0) throw new AggregateError(errors, 'A part of the delivery must be repeated');

  const now = consumer.now();
  if (now.getTime() - consumer.noted.streamReadAt >= noteEveryMilliseconds) {
    await noteStreamRead(consumer.store.table, now);
    consumer.noted.streamReadAt = now.getTime();
  }
};
