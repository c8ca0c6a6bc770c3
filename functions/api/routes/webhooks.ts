import * as z from 'zod';
import { operationAnswerSchema, presentOperation } from '../../../shared/operation/present-operation.ts';
import { patchSchemaOf } from '../../../shared/platform/merge-patch.ts';
import { resolveIdentifier } from '../../../shared/platform/resolve-identifier.ts';
import {
  createWebhook,
  deleteWebhook,
  patchWebhook,
  requireWebhook,
  rotateSecret,
  type WebhookContext,
  webhookInputSchema,
} from '../../../shared/webhook/manage-webhooks.ts';
import { presentWebhook, webhookAnswerSchema } from '../../../shared/webhook/present-webhook.ts';
import { sendTest } from '../../../shared/webhook/send-test.ts';
import { startReplay } from '../../../shared/webhook/start-replay.ts';
import { type Webhook, webhookKind } from '../../../shared/webhook/webhook.ts';
import {
  deliveryRange,
  deliveryStatusSchema,
  presentDelivery,
  type WebhookDelivery,
  webhookDeliveryAnswerSchema,
  webhookDeliveryKind,
} from '../../../shared/webhook/webhook-delivery.ts';
import { answerCreated, answerNothing, answerOperation, answerResource } from '../answers.ts';
import { listEntities, pageQueryShape, pageSchema } from '../page.ts';
import { resourceIdSchema } from '../read-input.ts';
import { defineRoute, noParameters, type OrganizationContext, type Route, roles } from '../route.ts';

const tag = 'Webhooks';
const writers = ['admin', 'crm'] as const;
const pathSchema = z.strictObject({ webhookId: resourceIdSchema });
const cursorSchema = z.string().min(1).max(100);

const secretAnswerSchema = webhookAnswerSchema
  .extend({
    secret: z.string().nullable().meta({
      description: 'Verifies signatures: whsec_ and base64. Shown this once; null in a repeated answer.',
    }),
  })
  .meta({ id: 'WebhookWithSecret' });

type AnyContext = OrganizationContext<unknown, unknown, unknown>;

const contextOf = ({ services, organization, author }: AnyContext): WebhookContext & AnyContext['services'] => ({
  ...services,
  organization,
  author,
});

const present = async ({ services, organization }: AnyContext, webhook: Webhook) => {
  const state = await services.webhookStates.read(organization.id, webhook.id);
  return presentWebhook(services.table, organization.id, webhook, state, services.now());
};

const resolve = ({
  services,
  organization,
  path,
}: OrganizationContext<{ readonly webhookId: string }, unknown, unknown>) =>
  resolveIdentifier(services.store, organization.id, webhookKind.kind, webhookKind.prefix, path.webhookId);

export const webhooksRoutes: readonly Route[] = [
  defineRoute({
    method: 'POST',
    path: '/webhooks',
    summary: 'Makes a webhook, which gets what happens from now on',
    tag,
    access: writers,
    answers: { 201: secretAnswerSchema },
    problems: ['hostNotAllowed', 'quotaExceeded'],
    pathSchema: noParameters,
    querySchema: noParameters,
    bodySchema: webhookInputSchema,
    handle: async (context) => {
      const id = context.identifierFor(webhookKind.prefix);
      const { webhook, secret } = await createWebhook(contextOf(context), id, context.body);
      return answerCreated(`/webhooks/${id}`, { ...(await present(context, webhook)), secret });
    },
  }),
  defineRoute({
    method: 'GET',
    path: '/webhooks',
    summary: 'Lists the webhooks, newest first, without their secrets',
    tag,
    access: roles,
    answers: { 200: pageSchema(webhookAnswerSchema) },
    pathSchema: noParameters,
    querySchema: z.strictObject(pageQueryShape),
    bodySchema: null,
    handle: async (context) => ({
      status: 200,
      body: await listEntities({
        store: context.services.store,
        kind: webhookKind,
        organizationId: context.organization.id,
        query: context.query,
        filters: {},
        present: (webhook) => present(context, webhook),
        now: context.services.now(),
      }),
    }),
  }),
  defineRoute({
    method: 'GET',
    path: '/webhooks/{webhookId}',
    summary: 'Reads a webhook: where it is, how far behind, and what keeps it',
    tag,
    access: roles,
    answers: { 200: webhookAnswerSchema },
    pathSchema,
    querySchema: noParameters,
    bodySchema: null,
    handle: async (context) => {
      const webhook = await requireWebhook(contextOf(context), await resolve(context));
      return answerResource(await present(context, webhook));
    },
  }),
  defineRoute({
    method: 'PATCH',
    path: '/webhooks/{webhookId}',
    summary: 'Changes a webhook; enabled again it resumes at the first event that was not delivered',
    tag,
    access: writers,
    answers: { 200: webhookAnswerSchema },
    problems: ['hostNotAllowed'],
    pathSchema,
    querySchema: noParameters,
    bodySchema: patchSchemaOf(webhookInputSchema),
    handle: async (context) => {
      const { body, ifMatch } = context;
      const webhook = await patchWebhook(contextOf(context), await resolve(context), body, ifMatch);
      return answerResource(await present(context, webhook));
    },
  }),
  defineRoute({
    method: 'DELETE',
    path: '/webhooks/{webhookId}',
    summary: 'Deletes a webhook, which gets nothing from then on',
    tag,
    access: writers,
    answers: { 204: null },
    pathSchema,
    querySchema: noParameters,
    bodySchema: null,
    handle: async (context) => {
      await deleteWebhook(contextOf(context), await resolve(context), context.ifMatch);
      return answerNothing();
    },
  }),
  defineRoute({
    method: 'POST',
    path: '/webhooks/{webhookId}/rotate-secret',
    summary: 'Gives a webhook another secret; for 24 hours the one before signs, too',
    tag,
    access: writers,
    answers: { 200: secretAnswerSchema },
    pathSchema,
    querySchema: noParameters,
    bodySchema: z.strictObject({}),
    handle: async (context) => {
      const { webhook, secret } = await rotateSecret(contextOf(context), await resolve(context), context.ifMatch);
      return answerResource({ ...(await present(context, webhook)), secret });
    },
  }),
  defineRoute({
    method: 'POST',
    path: '/webhooks/{webhookId}/test',
    summary: 'Posts an event webhook.test and tells what became of it',
    tag,
    access: writers,
    answers: { 200: webhookDeliveryAnswerSchema },
    pathSchema,
    querySchema: noParameters,
    bodySchema: z.strictObject({}),
    handle: async (context) => ({
      status: 200,
      body: presentDelivery(await sendTest(contextOf(context), await resolve(context), context.ifMatch)),
    }),
  }),
  defineRoute({
    method: 'GET',
    path: '/webhooks/{webhookId}/deliveries',
    summary: 'Lists what became of each event of the last seven days, newest first',
    tag,
    access: roles,
    answers: { 200: pageSchema(webhookDeliveryAnswerSchema) },
    pathSchema,
    querySchema: z.strictObject({ ...pageQueryShape, status: deliveryStatusSchema.optional() }),
    bodySchema: null,
    handle: async (context) => {
      const { services, organization } = context;
      const { limit, cursor, status } = context.query;
      const { id } = await requireWebhook(contextOf(context), await resolve(context));
      const matches = (delivery: WebhookDelivery): boolean => delivery.status === status;
      return {
        status: 200,
        body: await listEntities({
          store: services.store,
          kind: webhookDeliveryKind,
          organizationId: organization.id,
          query: { limit, cursor },
          filters: { webhookId: id, status },
          ...(status === undefined ? {} : { matches }),
          present: presentDelivery,
          now: services.now(),
          ...deliveryRange(id),
        }),
      };
    },
  }),
  defineRoute({
    method: 'POST',
    path: '/webhooks/{webhookId}/replay',
    summary: 'Sends events again that the webhook has had, in their order and before new ones',
    tag,
    access: writers,
    answers: { 202: operationAnswerSchema },
    problems: ['cursorExpired', 'invalidState'],
    pathSchema,
    querySchema: noParameters,
    bodySchema: z.strictObject({
      fromCursor: cursorSchema.meta({ description: 'A cursor of the feed: what comes after it is sent.' }),
      toCursor: cursorSchema.optional().meta({ description: 'Up to where; as far as the webhook has come if absent.' }),
    }),
    handle: async (context) => {
      const operation = await startReplay(contextOf(context), await resolve(context), context.body, {
        ifMatch: context.ifMatch,
        operationId: context.identifierFor('opn'),
      });
      return answerOperation(presentOperation(operation));
    },
  }),
];
