import type { FeedEvent } from '../../shared/feed/feed-event.ts';
import { createStreamReader } from './read-stream.ts';
import type { ApiCall } from './role-calls.ts';

/**
 * Reads the feed of an organization from its beginning, after the feed function has seen everything that was written.
 * `process.env` must be complete.
 */
export const createEventReader = async (): Promise<(call: ApiCall) => Promise<readonly FeedEvent[]>> => {
  process.env['POWERTOOLS_LOG_LEVEL'] ??= 'SILENT';
  const readNewRecords = createStreamReader(String(process.env['RECORDS_TABLE']));
  const { handler } = await import('../../functions/feed/handler.ts');
  const feedFunction = handler as unknown as (event: object) => Promise<unknown>;
  return async (call) => {
    const Records = await readNewRecords();
    if (Records.length > 0) await feedFunction({ Records, shardId: 'shard-1' });
    const events: FeedEvent[] = [];
    for (let cursor = '0'; ; ) {
      const { body } = await call('GET', `/feed?cursor=${cursor}&limit=500`);
      events.push(...body.data);
      cursor = body.nextCursor;
      if (body.hasMore === false) return events;
    }
  };
};
