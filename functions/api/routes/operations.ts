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
import { FaultError } from '../../../shared/platform/fault.ts';
import { resolveIdentifier } from '../../../shared/platform/resolve-identifier.ts';
import { answerResource } from '../answers.ts';
import { limitedTo, type Ownership, ownershipOf, requireOwn } from '../ownership.ts';
import { listEntities, pageQueryShape, pageSchema } from '../page.ts';
import { defineRoute, noParameters, type OrganizationContext, type Route, rolesAndUsers } from '../route.ts';

const tag = 'Operations';
const pathSchema = z.strictObject({ operationId: z.string() });

const isOwn = ({ mailboxId }: Ownership, { subject, input }: Operation): boolean =>
  subject.id === mailboxId || input['mailboxId'] === mailboxId;

/** @throws FaultError notFound */
const resolve = async ({
  services: { store },
  organization,
  caller,
  path,
}: OrganizationContext<z.output<typeof pathSchema>, unknown, unknown>): Promise<string> => {
  const { kind, prefix } = operationKind;
  const id = await resolveIdentifier(store, organization.id, kind, prefix, path.operationId);
  if (ownershipOf(caller) === undefined) return id;
  const operation = await store.get(operationKind, organization.id, id);
  requireOwn(caller, (ownership) => operation !== undefined && isOwn(ownership, operation));
  return id;
};

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
    access: rolesAndUsers,
    answers: { 200: pageSchema(operationAnswerSchema) },
    pathSchema: noParameters,
    querySchema: z.strictObject({
      ...pageQueryShape,
      kind: operationKindSchema.optional(),
      status: operationStatusSchema.optional(),
    }),
    bodySchema: null,
    handle: async ({ services: { store, now }, organization, caller, query: { limit, cursor, ...filters } }) => ({
      status: 200,
      body: await listEntities({
        store,
        kind: operationKind,
        organizationId: organization.id,
        query: { limit, cursor },
        filters,
        matches: limitedTo(
          caller,
          isOwn,
          (operation: Operation) =>
            (filters.kind ?? operation.kind) === operation.kind &&
            (filters.status ?? operation.status) === operation.status,
        ),
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
    access: rolesAndUsers,
    answers: { 200: operationAnswerSchema },
    pathSchema,
    querySchema: waitQuerySchema,
    bodySchema: null,
    handle: async (context) => {
      const { services, organization, query } = context;
      const id = await resolve(context);
      return answerResource(presentOperation(await awaitOperation(services, organization.id, id, query.wait)));
    },
  }),
  defineRoute({
    method: 'GET',
    path: '/operations/{operationId}/items',
    summary: 'Lists the outcome of each item of bulk work, in its order',
    tag,
    access: rolesAndUsers,
    answers: { 200: pageSchema(operationItemAnswerSchema) },
    pathSchema,
    querySchema: z.strictObject(pageQueryShape),
    bodySchema: null,
    handle: async (context) => {
      const { organization, query } = context;
      const { store, now } = context.services;
      const operationId = await resolve(context);
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
    handle: async (context) => {
      const { services, organization, author, ifMatch } = context;
      const id = await resolve(context);
      return answerResource(presentOperation(await cancelOperation(services, organization.id, id, author, ifMatch)));
    },
  }),
];
