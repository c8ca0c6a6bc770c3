import * as z from 'zod';
import { awaitOperation } from '../../../shared/operation/await-operation.ts';
import {
  type Operation,
  operationKind,
  operationKindSchema,
  operationStatusSchema,
} from '../../../shared/operation/operation.ts';
import {
  operationItemAnswerSchema,
  operationItemKind,
  operationItemRange,
  presentOperationItem,
} from '../../../shared/operation/operation-item.ts';
import { operationAnswerSchema, presentOperation } from '../../../shared/operation/present-operation.ts';
import { cancelOperation } from '../../../shared/operation/run-operation.ts';
import type { EntityStore } from '../../../shared/platform/entity-store.ts';
import { FaultError } from '../../../shared/platform/fault.ts';
import { resolveIdentifier } from '../../../shared/platform/resolve-identifier.ts';
import { answerResource } from '../answers.ts';
import { listEntities, pageQueryShape, pageSchema } from '../page.ts';
import { defineRoute, noParameters, type Route, roles } from '../route.ts';

const tag = 'Operations';
const pathSchema = z.strictObject({ operationId: z.string() });

const resolve = (store: EntityStore, organizationId: string, text: string): Promise<string> =>
  resolveIdentifier(store, organizationId, operationKind.kind, operationKind.prefix, text);

export const waitQuerySchema = z.strictObject({
  wait: z.coerce.number().int().min(0).max(20).default(0).meta({
    description: 'Seconds to wait for the end of the operation.',
  }),
});

export const operationsRoutes: readonly Route[] = [
  defineRoute({
    method: 'GET',
    path: '/operations',
    summary: 'Lists operations, newest first',
    tag,
    access: roles,
    answers: { 200: pageSchema(operationAnswerSchema) },
    pathSchema: noParameters,
    querySchema: z.strictObject({
      ...pageQueryShape,
      kind: operationKindSchema.optional(),
      status: operationStatusSchema.optional(),
    }),
    bodySchema: null,
    handle: async ({ services: { store, now }, organization, query: { limit, cursor, ...filters } }) => ({
      status: 200,
      body: await listEntities({
        store,
        kind: operationKind,
        organizationId: organization.id,
        query: { limit, cursor },
        filters,
        matches: (operation: Operation) =>
          (filters.kind ?? operation.kind) === operation.kind &&
          (filters.status ?? operation.status) === operation.status,
        present: presentOperation,
        now: now(),
      }),
    }),
  }),
  defineRoute({
    method: 'GET',
    path: '/operations/{operationId}',
    summary: 'Reads an operation, if asked to once it has finished',
    tag,
    access: roles,
    answers: { 200: operationAnswerSchema },
    pathSchema,
    querySchema: waitQuerySchema,
    bodySchema: null,
    handle: async ({ services, organization, path, query }) => {
      const id = await resolve(services.store, organization.id, path.operationId);
      return answerResource(presentOperation(await awaitOperation(services, organization.id, id, query.wait)));
    },
  }),
  defineRoute({
    method: 'GET',
    path: '/operations/{operationId}/items',
    summary: 'Lists the outcome of each item of bulk work, in its order',
    tag,
    access: roles,
    answers: { 200: pageSchema(operationItemAnswerSchema) },
    pathSchema,
    querySchema: z.strictObject(pageQueryShape),
    bodySchema: null,
    handle: async ({ services: { store, now }, organization, path, query }) => {
      const operationId = await resolve(store, organization.id, path.operationId);
      if ((await store.get(operationKind, organization.id, operationId)) === undefined)
        throw new FaultError('notFound');
      return {
        status: 200,
        body: await listEntities({
          store,
          kind: operationItemKind,
          organizationId: organization.id,
          query,
          filters: { operationId },
          present: presentOperationItem,
          now: now(),
          ...operationItemRange(operationId),
          ascending: true,
        }),
      };
    },
  }),
  defineRoute({
    method: 'POST',
    path: '/operations/{operationId}/cancel',
    summary: 'Cancels an operation that has not finished',
    tag,
    access: ['admin', 'crm'],
    answers: { 200: operationAnswerSchema },
    problems: ['operationFinished'],
    pathSchema,
    querySchema: noParameters,
    bodySchema: z.strictObject({}),
    handle: async ({ services, organization, path, author, ifMatch }) => {
      const id = await resolve(services.store, organization.id, path.operationId);
      return answerResource(presentOperation(await cancelOperation(services, organization.id, id, author, ifMatch)));
    },
  }),
];
