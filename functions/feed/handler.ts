import type { DynamoDBStreamEvent } from 'aws-lambda';
import { createCycleControl } from '../../shared/cycle/create-cycle-control.ts';
import { consumeStream, createStreamConsumer } from '../../shared/feed/consume-stream.ts';
import { createDocumentClient, createQueueClient } from '../../shared/platform/aws-clients.ts';
import { readConfiguration } from '../../shared/platform/configuration.ts';
import { describeError } from '../../shared/platform/describe-error.ts';
import { EntityStore } from '../../shared/platform/entity-store.ts';
import { createLaneQueues } from '../../shared/platform/lane-queues.ts';
import { createRecordsTable } from '../../shared/platform/records-table.ts';
import { logger } from '../common/logger.ts';

const environment = readConfiguration([
  'RECORDS_TABLE',
  'CYCLES_TABLE',
  'INCOMING_QUEUE_URL',
  'OUTGOING_QUEUE_URL',
  'OPERATIONS_QUEUE_URL',
  'WEBHOOKS_QUEUE_URL',
]);
const document = createDocumentClient();
const now = (): Date => new Date();
const queues = createLaneQueues(createQueueClient(), {
  incoming: environment.INCOMING_QUEUE_URL,
  outgoing: environment.OUTGOING_QUEUE_URL,
  operations: environment.OPERATIONS_QUEUE_URL,
  webhooks: environment.WEBHOOKS_QUEUE_URL,
});
const consumer = createStreamConsumer({
  store: new EntityStore(createRecordsTable(document, environment.RECORDS_TABLE)),
  queues,
  cycles: createCycleControl({ document, tableName: environment.CYCLES_TABLE, queues, now }),
  reportError: (message, details) => logger.error(message, { details }),
  now,
});

// What refuses one organization mostly refuses many, and the delivery comes again within seconds.
const mostCausesLogged = 10;

/** Lambda's own line for an error that holds others tells only its message. */
const logCauses = (error: unknown): void => {
  const causes: readonly unknown[] = error instanceof AggregateError ? error.errors : [error];
  for (const cause of causes.slice(0, mostCausesLogged))
    logger.error('A part of the delivery failed; the stream repeats it', { error: describeError(cause) });
};

/**
 * Only a windowed event names its shard; a source without windows has one shard. What ends a window brings no records,
 * and need not have a list of them: a failure would have the end repeated for ever, and stop the shard.
 */
type WindowedEvent = Partial<DynamoDBStreamEvent> & { readonly shardId?: string };

/**
 * Answers with the window's state, without which a windowed delivery counts as failed; the state itself is not used. A
 * failure is thrown: the stream then delivers the whole batch again.
 */
export const handler = async (event: WindowedEvent): Promise<{ state: Record<string, never> }> => {
  try {
    await consumeStream(consumer, event.shardId ?? 'stream', event.Records ?? []);
  } catch (error) {
    logCauses(error);
    throw error;
  }
  return { state: {} };
};
