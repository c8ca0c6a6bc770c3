import * as z from 'zod';
import { commitCursor } from '../../../shared/consumer/commit-cursor.ts';
import { type Consumer, consumerKind, consumerNameSchema } from '../../../shared/consumer/consumer.ts';
import {
  consumerInputSchema,
  putConsumer,
  removeConsumer,
  requireConsumer,
} from '../../../shared/consumer/manage-consumers.ts';
import { consumerAnswerSchema, presentConsumer } from '../../../shared/consumer/present-consumer.ts';
import { answerNothing } from '../answers.ts';
import { requireOwnConsumer } from '../own-events.ts';
import { listEntities, pageQueryShape, pageSchema } from '../page.ts';
import type { RouteAnswer } from '../route.ts';
import {
  defineRoute,
  noParameters,
  type OrganizationContext,
  type Route,
  roles,
  rolesAndUsers,
  writersAndUsers,
} from '../route.ts';

const tag = 'Feed';
const writers = ['admin', 'crm'] as const;
const pathSchema = z.strictObject({ name: z.string() });

type AnyContext = OrganizationContext<unknown, unknown, unknown>;

const contextOf = ({ services: { store, now }, organization, author }: AnyContext) => ({
  store,
  now,
  author,
  organizationId: organization.id,
});

const answerConsumer = async (
  { services, organization }: AnyContext,
  consumer: Consumer,
  created = false,
): Promise<RouteAnswer> => ({
  status: created ? 201 : 200,
  body: await presentConsumer(services.table, organization.id, consumer, services.now()),
  headers: { etag: `"${consumer.version}"`, ...(created ? { location: `/v1/consumers/${consumer.id}` } : {}) },
});

export const consumersRoutes: readonly Route[] = [
  defineRoute({
    method: 'GET',
    path: '/consumers',
    summary: 'Lists the consumers whose place in the feed the hub keeps, by name',
    tag,
    access: roles,
    answers: { 200: pageSchema(consumerAnswerSchema) },
    pathSchema: noParameters,
    querySchema: z.strictObject(pageQueryShape),
    bodySchema: null,
    handle: async ({ services, organization, query }) => ({
      status: 200,
      body: await listEntities({
        store: services.store,
        kind: consumerKind,
        organizationId: organization.id,
        query,
        filters: {},
        present: (consumer) => presentConsumer(services.table, organization.id, consumer, services.now()),
        now: services.now(),
        ascending: true,
      }),
    }),
  }),
  defineRoute({
    method: 'GET',
    path: '/consumers/{name}',
    summary: 'Reads a consumer: where it is, how far behind, and when it last read',
    tag,
    access: rolesAndUsers,
    answers: { 200: consumerAnswerSchema },
    pathSchema,
    querySchema: noParameters,
    bodySchema: null,
    handle: async (context) => {
      await requireOwnConsumer(context, context.path.name);
      return answerConsumer(context, await requireConsumer(contextOf(context), context.path.name));
    },
  }),
  defineRoute({
    method: 'PUT',
    path: '/consumers/{name}',
    summary: 'Makes a consumer, which begins where the feed begins, or changes what it is shown',
    tag,
    access: writers,
    answers: { 200: consumerAnswerSchema, 201: consumerAnswerSchema },
    pathSchema: z.strictObject({ name: consumerNameSchema }),
    querySchema: noParameters,
    bodySchema: consumerInputSchema,
    handle: async (context) => {
      const { path, body, ifMatch, createOnly } = context;
      const { consumer, created } = await putConsumer(contextOf(context), path.name, body, { ifMatch, createOnly });
      return answerConsumer(context, consumer, created);
    },
  }),
  defineRoute({
    method: 'DELETE',
    path: '/consumers/{name}',
    summary: 'Forgets a consumer',
    tag,
    access: writers,
    answers: { 204: null },
    pathSchema,
    querySchema: noParameters,
    bodySchema: null,
    handle: async (context) => {
      await removeConsumer(contextOf(context), context.path.name, context.ifMatch);
      return answerNothing();
    },
  }),
  defineRoute({
    method: 'POST',
    path: '/consumers/{name}/commit',
    summary: 'Notes that a consumer is done with everything up to a cursor',
    tag,
    access: writersAndUsers,
    answers: { 200: consumerAnswerSchema },
    problems: ['cursorExpired', 'consumerAhead', 'invalidState'],
    // The feed works on, and a place left behind for longer than the feed is kept would be lost.
    whileSuspended: true,
    pathSchema,
    querySchema: noParameters,
    bodySchema: z.strictObject({
      cursor: z.string().min(1).max(100).meta({ description: 'A cursor that the feed gave out.' }),
      force: z.boolean().default(false).meta({ description: 'Go back, and be shown again what has been committed.' }),
    }),
    handle: async (context) => {
      const { path, body, ifMatch } = context;
      await requireOwnConsumer(context, path.name);
      return answerConsumer(context, await commitCursor(contextOf(context), path.name, { ...body, ifMatch }));
    },
  }),
];
