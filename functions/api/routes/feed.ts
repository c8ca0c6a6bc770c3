import * as z from 'zod';
import { feedStart } from '../../../shared/consumer/consumer.ts';
import { openConsumer } from '../../../shared/consumer/read-as-consumer.ts';
import { decodeFeedCursor, encodeFeedCursor } from '../../../shared/feed/feed-cursor.ts';
import { eventTypeFilterSchema, feedEventSchema } from '../../../shared/feed/feed-event.ts';
import { readFeed, readFeedHead } from '../../../shared/feed/read-feed.ts';
import { readSnapshot } from '../../../shared/feed/read-snapshot.ts';
import { originSchema } from '../../../shared/platform/change.ts';
import { refuseField } from '../../../shared/platform/validate.ts';
import { requireOwnConsumer, visibleTo } from '../own-events.ts';
import { defineRoute, type Route, rolesAndUsers } from '../route.ts';

const commaSeparated = <Item extends z.ZodType<unknown, string>>(item: Item) =>
  z
    .string()
    .transform((text) => text.split(','))
    .pipe(z.array(item).min(1).max(50));

const typesSchema = commaSeparated(eventTypeFilterSchema).meta({
  description: 'Types of events, comma separated; email.* stands for all that begin so.',
});
const limitSchema = z.coerce.number().int().min(1).max(500).default(100);

const answerSchema = z.object({
  data: z.array(feedEventSchema),
  nextCursor: z.string().meta({ description: 'Where to go on; given even when there is nothing new.' }),
  hasMore: z.boolean(),
});

const parseCursor = (text: string) => {
  if (text === feedStart) return 'start' as const;
  const cursor = decodeFeedCursor(text);
  if (cursor === undefined)
    throw refuseField('#/query/cursor', 'invalidCursor', 'The cursor is not one that the feed gave out');
  return cursor;
};

const consumerQuery = z.string().max(100).optional().meta({
  description: 'A consumer: what is not given here (the cursor, the types, the user) is as this consumer has it.',
});

export const feedRoutes: readonly Route[] = [
  defineRoute({
    method: 'GET',
    path: '/feed',
    summary: 'Changes in their order, from a cursor on',
    tag: 'Feed',
    access: rolesAndUsers,
    pathSchema: z.strictObject({}),
    querySchema: z.strictObject({
      cursor: z.string().max(100).optional().meta({
        description: '0, which is also the default, stands for the beginning of what is kept.',
      }),
      consumer: consumerQuery,
      limit: limitSchema,
      types: typesSchema.optional(),
      origins: commaSeparated(originSchema).optional(),
      wait: z.coerce.number().int().min(0).max(20).default(0).meta({
        description: 'Seconds to wait for an event when there is none yet.',
      }),
    }),
    bodySchema: null,
    answers: { 200: answerSchema },
    problems: ['cursorExpired', 'notFound'],
    handle: async (context) => {
      const { services, organization, query } = context;
      await requireOwnConsumer(context, query.consumer);
      const reading = await openConsumer({ ...services, organizationId: organization.id }, query.consumer, query.types);
      return {
        status: 200,
        body: await readFeed(
          services.table,
          organization.id,
          {
            cursor: parseCursor(query.cursor ?? reading.cursor),
            limit: query.limit,
            types: query.types,
            origins: query.origins,
            matches: visibleTo(context, reading.matches),
            waitSeconds: query.wait,
          },
          services.now,
        ),
      };
    },
  }),
  defineRoute({
    method: 'GET',
    path: '/feed/head',
    summary: 'The end of the feed',
    tag: 'Feed',
    access: rolesAndUsers,
    pathSchema: z.strictObject({}),
    querySchema: z.strictObject({}),
    bodySchema: null,
    answers: { 200: z.object({ cursor: z.string(), sequence: z.int() }) },
    handle: async ({ services, organization }) => {
      const head = await readFeedHead(services.table, organization.id);
      return { status: 200, body: { cursor: encodeFeedCursor(head), sequence: head.sequence } };
    },
  }),
  defineRoute({
    method: 'GET',
    path: '/feed/snapshot',
    summary: 'The present state as events; follow nextCursor until hasMore is false, then read the feed from it',
    tag: 'Feed',
    access: rolesAndUsers,
    pathSchema: z.strictObject({}),
    querySchema: z.strictObject({
      cursor: z.string().max(4000).optional(),
      consumer: consumerQuery,
      limit: limitSchema,
      types: typesSchema.optional(),
    }),
    bodySchema: null,
    answers: { 200: answerSchema },
    problems: ['notFound'],
    handle: async (context) => {
      const { services, organization, query } = context;
      const { consumer, cursor, limit } = query;
      await requireOwnConsumer(context, consumer);
      const reading = await openConsumer({ ...services, organizationId: organization.id }, consumer, query.types);
      const body = await readSnapshot(
        services.table,
        organization.id,
        { cursor, limit, types: reading.types, matches: visibleTo(context, reading.ofUser) },
        services.now(),
      );
      return { status: 200, body };
    },
  }),
];
