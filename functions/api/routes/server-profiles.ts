import * as z from 'zod';
import { operationAnswerSchema, presentOperation } from '../../../shared/operation/present-operation.ts';
import { FaultError } from '../../../shared/platform/fault.ts';
import { patchSchemaOf } from '../../../shared/platform/merge-patch.ts';
import { resolveIdentifier } from '../../../shared/platform/resolve-identifier.ts';
import {
  changeServerProfile,
  createServerProfile,
  deleteServerProfile,
  type ProfileDependencies,
} from '../../../shared/server-profile/manage-server-profiles.ts';
import {
  presentServerProfile,
  serverProfileAnswerSchema,
} from '../../../shared/server-profile/present-server-profile.ts';
import { profileHealthSchema, readProfileHealth } from '../../../shared/server-profile/profile-health.ts';
import { type ServerProfile, serverProfileKind } from '../../../shared/server-profile/server-profile.ts';
import { serverProfileInputSchema } from '../../../shared/server-profile/server-profile-input.ts';
import { startProfileTest } from '../../../shared/server-profile/start-profile-test.ts';
import { answerCreated, answerNothing, answerOperation, answerResource } from '../answers.ts';
import { listEntities, pageQueryShape, pageSchema } from '../page.ts';
import { resourceIdSchema } from '../read-input.ts';
import { defineRoute, noParameters, type OrganizationContext, type Route } from '../route.ts';

const tag = 'Server profiles';
const access = ['admin'] as const;
const pathSchema = z.strictObject({ serverProfileId: resourceIdSchema });
const refusals = ['unsupportedCombination', 'hostNotAllowed', 'insecureCredentials', 'quotaExceeded'];

type Context = OrganizationContext<unknown, unknown, unknown>;
type ProfileContext = OrganizationContext<z.output<typeof pathSchema>, unknown, unknown>;

const dependenciesOf = ({ services, author }: Context): ProfileDependencies => ({
  store: services.store,
  vault: services.vault,
  rules: { hostPolicy: services.hostPolicy, allowInsecureCredentials: services.allowInsecureCredentials },
  now: services.now,
  author,
});

/** @throws FaultError notFound */
const resolve = ({ services: { store }, organization, path }: ProfileContext): Promise<string> =>
  resolveIdentifier(store, organization.id, serverProfileKind.kind, serverProfileKind.prefix, path.serverProfileId);

/** @throws FaultError notFound */
const load = async (context: ProfileContext): Promise<ServerProfile> => {
  const { services, organization } = context;
  const profile = await services.store.get(serverProfileKind, organization.id, await resolve(context));
  if (profile === undefined) throw new FaultError('notFound');
  return profile;
};

export const serverProfilesRoutes: readonly Route[] = [
  defineRoute({
    method: 'POST',
    path: '/server-profiles',
    summary: 'Creates a server profile',
    tag,
    access,
    answers: { 201: serverProfileAnswerSchema },
    problems: refusals,
    pathSchema: noParameters,
    querySchema: noParameters,
    bodySchema: serverProfileInputSchema,
    handle: async (context) => {
      const id = context.identifierFor(serverProfileKind.prefix);
      const profile = await createServerProfile(dependenciesOf(context), context.organization, context.body, id);
      return answerCreated(`/server-profiles/${profile.id}`, presentServerProfile(profile));
    },
  }),
  defineRoute({
    method: 'GET',
    path: '/server-profiles',
    summary: 'Lists server profiles, newest first',
    tag,
    access,
    answers: { 200: pageSchema(serverProfileAnswerSchema) },
    pathSchema: noParameters,
    querySchema: z.strictObject(pageQueryShape),
    bodySchema: null,
    handle: async ({ services: { store, now }, organization, query }) => ({
      status: 200,
      body: await listEntities({
        store,
        kind: serverProfileKind,
        organizationId: organization.id,
        query,
        filters: {},
        present: presentServerProfile,
        now: now(),
      }),
    }),
  }),
  defineRoute({
    method: 'GET',
    path: '/server-profiles/{serverProfileId}',
    summary: 'Reads a server profile',
    tag,
    access,
    answers: { 200: serverProfileAnswerSchema },
    pathSchema,
    querySchema: noParameters,
    bodySchema: null,
    handle: async (context) => answerResource(presentServerProfile(await load(context))),
  }),
  defineRoute({
    method: 'PATCH',
    path: '/server-profiles/{serverProfileId}',
    summary: 'Changes a server profile; null resets a field to its default',
    tag,
    access,
    answers: { 200: serverProfileAnswerSchema },
    problems: [...refusals, 'notSupported'],
    pathSchema,
    querySchema: noParameters,
    bodySchema: patchSchemaOf(serverProfileInputSchema),
    handle: async (context) => {
      const { organization, body, ifMatch } = context;
      const id = await resolve(context);
      const profile = await changeServerProfile(dependenciesOf(context), organization, id, body, ifMatch);
      return answerResource(presentServerProfile(profile));
    },
  }),
  defineRoute({
    method: 'DELETE',
    path: '/server-profiles/{serverProfileId}',
    summary: 'Deletes a server profile that no mailbox uses',
    tag,
    access,
    answers: { 204: null },
    problems: ['profileInUse'],
    pathSchema,
    querySchema: noParameters,
    bodySchema: null,
    handle: async (context) => {
      await deleteServerProfile(
        dependenciesOf(context),
        context.organization.id,
        await resolve(context),
        context.ifMatch,
      );
      return answerNothing();
    },
  }),
  defineRoute({
    method: 'POST',
    path: '/server-profiles/{serverProfileId}/test',
    summary: 'Tests both servers of a profile, with its own login where it has one',
    tag,
    access,
    answers: { 202: operationAnswerSchema },
    pathSchema,
    querySchema: noParameters,
    bodySchema: z.strictObject({}),
    handle: async (context) => {
      const { services, organization, ifMatch } = context;
      const id = await resolve(context);
      const options = { operationId: context.identifierFor('opn'), ifMatch };
      return answerOperation(presentOperation(await startProfileTest(services, organization.id, id, options)));
    },
  }),
  defineRoute({
    method: 'GET',
    path: '/server-profiles/{serverProfileId}/health',
    summary: "Tells how a profile's servers fare",
    tag,
    access,
    answers: { 200: profileHealthSchema },
    pathSchema,
    querySchema: noParameters,
    bodySchema: null,
    handle: async (context) => {
      const { services, organization } = context;
      return { status: 200, body: await readProfileHealth(services, organization.id, await load(context)) };
    },
  }),
];
