import * as z from 'zod';
import { deleteOwner } from '../../../shared/owner/delete-owner.ts';
import { changeOwner, createOwner, type OwnerContext, putOwner } from '../../../shared/owner/manage-owners.ts';
import type { OwnerDefinition, OwnerEntity } from '../../../shared/owner/owner-definitions.ts';
import { FaultError } from '../../../shared/platform/fault.ts';
import { patchSchemaOf } from '../../../shared/platform/merge-patch.ts';
import { resolveIdentifier } from '../../../shared/platform/resolve-identifier.ts';
import { answerCreated, answerNothing, answerResource } from '../answers.ts';
import { requireFieldsOf, requireOwn } from '../ownership.ts';
import { listEntities, pageQueryShape, pageSchema } from '../page.ts';
import { type CallerRole, defineRoute, noParameters, type OrganizationContext, type Route, roles } from '../route.ts';

type AnyContext = OrganizationContext<unknown, unknown, unknown>;

const writers: readonly CallerRole[] = ['admin', 'crm'];
const pathSchema = z.strictObject({ ownerId: z.string().meta({ description: 'An id, or ext: and the externalId.' }) });

const contextOf = ({ services, organization, author }: AnyContext): OwnerContext => ({
  store: services.store,
  cycles: services.cycles,
  now: services.now,
  organization,
  author,
});

/** The routes of one type of owner: users, queues and teams differ only in their fields. */
export const createOwnerRoutes = <
  Item extends OwnerEntity,
  Input extends { readonly emailAddress: string | null; readonly externalId: string | null },
>(
  definition: OwnerDefinition<Item, Input>,
  options: { readonly path: string; readonly tag: string; readonly noun: string; readonly answerSchema: z.ZodType },
): readonly Route[] => {
  const { path, tag, noun, answerSchema } = options;
  const { kind } = definition;
  const conflicts = ['externalIdTaken', 'mailboxAlreadyMapped'];
  const patchSchema = patchSchemaOf(definition.inputSchema);
  // Users see and change themselves, and none of the others.
  const andUsers = (access: readonly CallerRole[]): readonly CallerRole[] =>
    definition.type === 'user' ? [...access, 'user'] : access;
  return [
    defineRoute({
      method: 'POST',
      path,
      summary: `Creates a ${noun}`,
      tag,
      access: writers,
      answers: { 201: answerSchema },
      problems: conflicts,
      pathSchema: noParameters,
      querySchema: noParameters,
      bodySchema: definition.inputSchema,
      handle: async (context) => {
        const id = context.identifierFor(kind.prefix);
        const { owner } = await createOwner(contextOf(context), definition, context.body as Input, id);
        return answerCreated(`${path}/${owner.id}`, owner);
      },
    }),
    defineRoute({
      method: 'GET',
      path,
      summary: `Lists ${noun}s, newest first`,
      tag,
      access: roles,
      answers: { 200: pageSchema(answerSchema) },
      pathSchema: noParameters,
      querySchema: z.strictObject(pageQueryShape),
      bodySchema: null,
      handle: async ({ services: { store, now }, organization, query }) => ({
        status: 200,
        body: await listEntities({
          store,
          kind,
          organizationId: organization.id,
          query,
          filters: {},
          present: (owner) => owner,
          now: now(),
        }),
      }),
    }),
    defineRoute({
      method: 'GET',
      path: `${path}/{ownerId}`,
      summary: `Shows a ${noun}`,
      tag,
      access: andUsers(roles),
      answers: { 200: answerSchema },
      pathSchema,
      querySchema: noParameters,
      bodySchema: null,
      handle: async ({ services: { store }, organization, caller, path: { ownerId } }) => {
        const id = await resolveIdentifier(store, organization.id, kind.kind, kind.prefix, ownerId);
        requireOwn(caller, ({ userId }) => userId === id);
        const owner = await store.get(kind, organization.id, id);
        if (owner === undefined) throw new FaultError('notFound');
        return answerResource(owner);
      },
    }),
    defineRoute({
      method: 'PUT',
      path: `${path}/{ownerId}`,
      summary: `Changes a ${noun}, or creates it under its externalId; absent fields stay as they are`,
      tag,
      access: writers,
      answers: { 200: answerSchema, 201: answerSchema },
      problems: conflicts,
      pathSchema,
      querySchema: noParameters,
      bodySchema: patchSchema,
      handle: async (context) => {
        const { ifMatch, createOnly, body } = context;
        const { owner, created } = await putOwner(contextOf(context), definition, context.path.ownerId, body, {
          ifMatch,
          createOnly,
        });
        return created ? answerCreated(`${path}/${owner.id}`, owner) : answerResource(owner);
      },
    }),
    defineRoute({
      method: 'PATCH',
      path: `${path}/{ownerId}`,
      summary: definition.type === 'user' ? 'Changes a user; users set filtering of their own' : `Changes a ${noun}`,
      tag,
      access: andUsers(writers),
      answers: { 200: answerSchema },
      problems: conflicts,
      pathSchema,
      querySchema: noParameters,
      bodySchema: patchSchema,
      handle: async (context) => {
        const { services, organization, caller, ifMatch, body, presentFields } = context;
        const { ownerId } = context.path;
        const id = await resolveIdentifier(services.store, organization.id, kind.kind, kind.prefix, ownerId);
        requireOwn(caller, ({ userId }) => userId === id);
        requireFieldsOf(caller, presentFields, ['filtering'], 'user');
        const outcome = await changeOwner(contextOf(context), definition, id, body, { ifMatch });
        return answerResource(outcome.owner);
      },
    }),
    defineRoute({
      method: 'DELETE',
      path: `${path}/{ownerId}`,
      summary: `Deletes a ${noun}`,
      tag,
      access: writers,
      answers: { 204: null },
      pathSchema,
      querySchema: noParameters,
      bodySchema: null,
      handle: async (context) => {
        const { ifMatch } = context;
        const { retirementWatch } = context.services;
        await deleteOwner({ ...contextOf(context), retirementWatch }, definition, context.path.ownerId, { ifMatch });
        return answerNothing();
      },
    }),
  ];
};
