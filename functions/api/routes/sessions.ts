import * as z from 'zod';
import { FaultError } from '../../../shared/platform/fault.ts';
import { createSession, removeSession } from '../../../shared/session/manage-sessions.ts';
import {
  longestSessionSeconds,
  presentSession,
  sessionAnswerSchema,
  sessionKind,
  sessionRoleSchema,
} from '../../../shared/session/session.ts';
import { answerNothing, answerResource } from '../answers.ts';
import { signInUrlOf } from '../console/console-address.ts';
import { isAdministrator } from '../ownership.ts';
import { defineRoute, noParameters, type OrganizationContext, type Route } from '../route.ts';

const tag = 'Sessions';
const path = '/sessions/current';

const createdSessionSchema = sessionAnswerSchema
  .extend({
    token: z.string().nullable().meta({ description: 'The bearer token, shown this once; null in a repeated answer.' }),
    signInUrl: z.string().nullable().meta({
      description: 'Opens the console signed in, once and within 60 seconds; null in a repeated answer.',
    }),
  })
  .meta({ id: 'CreatedSession' });

/** @throws FaultError notFound, for keys */
const sessionIdOf = ({ caller }: OrganizationContext<unknown, unknown, unknown>): string => {
  if (caller.type !== 'session') throw new FaultError('notFound');
  return caller.id;
};

export const sessionsRoutes: readonly Route[] = [
  defineRoute({
    method: 'POST',
    path: '/sessions',
    summary: 'Signs a user in on the word of the key; sessions of role admin with a key of role admin only',
    tag,
    access: ['admin', 'crm'],
    answers: { 201: createdSessionSchema },
    problems: ['userInactive'],
    shownOnce: ['token', 'signInUrl'],
    pathSchema: noParameters,
    querySchema: noParameters,
    bodySchema: z.strictObject({
      userId: z.string().min(1).max(210).meta({ description: 'The user: its id, or ext:<externalId>.' }),
      role: sessionRoleSchema.default('user'),
      expiresInSeconds: z.int().min(1).max(longestSessionSeconds).default(3600),
    }),
    handle: async (context) => {
      const { services, organization, author, caller, body, identifierFor } = context;
      if (caller.type !== 'key')
        throw new FaultError('forbidden', { detail: 'Sessions are made with an API key', fix: 'Use an API key' });
      if (body.role === 'admin' && !isAdministrator(caller))
        throw new FaultError('forbidden', {
          detail: 'Sessions of role admin are made with a key of role admin',
          fix: 'Use a key of role admin, or ask for role user',
        });
      const id = identifierFor(sessionKind.prefix);
      const creating = { ...services, author };
      const created = await createSession(creating, organization.id, id, { ...body, keyId: caller.id });
      const { session, token, code } = created;
      const signInUrl = signInUrlOf(services.hubUrl, code);
      return {
        ...answerResource({ ...presentSession(session), token, signInUrl }, 201),
        headers: { location: `/v1${path}` },
      };
    },
  }),
  defineRoute({
    method: 'GET',
    path,
    summary: 'Tells who is signed in',
    tag,
    access: ['admin', 'user'],
    answers: { 200: sessionAnswerSchema },
    problems: ['notFound'],
    pathSchema: noParameters,
    querySchema: noParameters,
    bodySchema: null,
    handle: async (context) => {
      const { services, organization } = context;
      const session = await services.store.get(sessionKind, organization.id, sessionIdOf(context));
      if (session === undefined) throw new FaultError('notFound');
      return answerResource(presentSession(session));
    },
  }),
  defineRoute({
    method: 'DELETE',
    path,
    summary: 'Signs out',
    tag,
    access: ['admin', 'user'],
    answers: { 204: null },
    problems: ['notFound'],
    whileSuspended: true,
    pathSchema: noParameters,
    querySchema: noParameters,
    bodySchema: null,
    handle: async (context) => {
      const { services, organization, author } = context;
      await removeSession({ ...services, author }, organization.id, sessionIdOf(context));
      return answerNothing();
    },
  }),
];
