import * as z from 'zod';
import { decodeFeedCursor } from '../feed/feed-cursor.ts';
import { measureLag } from '../feed/read-feed.ts';
import type { RecordsTable } from '../platform/records-table.ts';
import { type Consumer, consumerSchema } from './consumer.ts';

export const consumerAnswerSchema = consumerSchema
  .omit({ id: true, committedCursor: true })
  .extend({
    name: z.string(),
    cursor: z.string().meta({ description: 'Up to where it is done; 0 stands for the beginning of what is kept.' }),
    lag: z.int().nonnegative().nullable().meta({
      description: 'Events of the feed after the cursor, those of other types included; null once it has expired.',
    }),
  })
  .meta({ id: 'Consumer' });

export const presentConsumer = async (
  table: RecordsTable,
  organizationId: string,
  { id, committedCursor, ...consumer }: Consumer,
  now: Date,
): Promise<z.output<typeof consumerAnswerSchema>> => ({
  name: id,
  ...consumer,
  cursor: committedCursor,
  lag: await measureLag(table, organizationId, decodeFeedCursor(committedCursor) ?? 'start', now),
});
