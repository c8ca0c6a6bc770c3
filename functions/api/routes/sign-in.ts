import * as z from 'zod';
import { beginProviderSignIn, completeProviderSignIn } from '../../../shared/session/provider-sign-in.ts';
import { presentSession, sessionAnswerSchema } from '../../../shared/session/session.ts';
import { redeemSignInCode, type SignedIn } from '../../../shared/session/sign-in-code.ts';
import { answerResource } from '../answers.ts';
import { signInRedirectUriOf } from '../console/console-address.ts';
import { defineOpenRoute, noParameters, type Route, type RouteAnswer } from '../route.ts';
import type { Services } from '../services.ts';

const common = { tag: 'Sign-in', pathSchema: noParameters, querySchema: noParameters } as const;

const providerContextOf = ({ store, vault, authorizationServers, identityProvider, now }: Services) => ({
  store,
  vault,
  servers: authorizationServers,
  provider: identityProvider,
  now,
});

const signedInSchema = sessionAnswerSchema
  .extend({ token: z.string().meta({ description: 'The bearer token, shown this once.' }) })
  .meta({ id: 'SignedIn' });

const answerSignedIn = ({ session, token }: SignedIn): RouteAnswer =>
  answerResource({ ...presentSession(session), token });

export const signInRoutes: readonly Route[] = [
  defineOpenRoute({
    ...common,
    method: 'GET',
    path: '/sign-in',
    summary: 'Tells whether people can sign in at an identity provider',
    answers: {
      200: z.object({
        identityProvider: z
          .object({ host: z.string() })
          .nullable()
          .meta({ description: 'Null: the console is opened from the CRM only.' }),
      }),
    },
    handle: async ({ services: { identityProvider } }) => ({
      status: 200,
      body: {
        identityProvider: identityProvider === undefined ? null : { host: new URL(identityProvider.issuer).host },
      },
    }),
  }),
  defineOpenRoute({
    ...common,
    method: 'POST',
    path: '/sign-in/link',
    summary: 'Signs in with the code of a signInUrl, as the console does',
    answers: { 200: signedInSchema },
    problems: ['signInLinkOver'],
    bodySchema: z.strictObject({
      code: z.string().min(1).max(200).meta({ description: 'What stands after #code= in the signInUrl.' }),
      attempt: z.string().min(20).max(100).meta({
        description:
          'Random text of the caller. The same code with the same attempt is answered again within its minute, with another token in the place of the first.',
      }),
    }),
    handle: async ({ services, body }) => answerSignedIn(await redeemSignInCode(services, body.code, body.attempt)),
  }),
  defineOpenRoute({
    ...common,
    method: 'POST',
    path: '/sign-in/identity-provider',
    summary: 'Begins a sign-in at the identity provider, as the console does; good once, for ten minutes',
    answers: {
      200: z.object({
        authorizationUrl: z.string(),
        expiresAt: z.string(),
        pending: z.string().meta({ description: 'What has begun, sealed: for the page to keep and bring back.' }),
      }),
    },
    problems: ['signInNotOffered', 'signInRefused', 'unavailable'],
    bodySchema: z.strictObject({ organizationId: z.string().regex(/^org_[0-9A-Za-z]{16,40}$/) }),
    handle: async ({ services, body }) => {
      const redirectUri = signInRedirectUriOf(services.hubUrl);
      return {
        status: 200,
        body: await beginProviderSignIn(providerContextOf(services), body.organizationId, redirectUri),
      };
    },
  }),
  defineOpenRoute({
    ...common,
    method: 'POST',
    path: '/sign-in/identity-provider/callback',
    summary: 'Ends a sign-in at the identity provider with what it sent the browser back with, as the console does',
    answers: { 200: signedInSchema },
    problems: ['signInInterrupted', 'signInNotOffered', 'signInRefused', 'userInactive', 'unavailable'],
    bodySchema: z.strictObject({
      pending: z.string().max(5_000).meta({
        description: 'What the beginning was answered with, kept where it was begun; empty where nothing was kept.',
      }),
      query: z.string().max(8_000).meta({ description: 'The query of the address that the browser was sent back to.' }),
    }),
    handle: async ({ services, body: { pending, query } }) =>
      answerSignedIn(await completeProviderSignIn(providerContextOf(services), pending, new URLSearchParams(query))),
  }),
];
