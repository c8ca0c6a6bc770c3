import * as z from 'zod';
import { beginProviderSignIn, completeProviderSignIn } from '../../../shared/session/provider-sign-in.ts';
import { presentSession, sessionAnswerSchema } from '../../../shared/session/session.ts';
import { redeemSignInCode, type SignedIn } from '../../../shared/session/sign-in-code.ts';
import { answerResource } from '../answers.ts';
import {
  clearedPendingSignIn,
  pendingSignInCookie,
  readPendingSignIn,
  sessionCookie,
} from '../browser/session-cookie.ts';
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

/** The token goes into the cookie and nowhere else: no script of the page ever has it. */
const answerSignedIn = ({ hubUrl, now }: Services, { session, token }: SignedIn): RouteAnswer => ({
  ...answerResource(presentSession(session)),
  cookies: [sessionCookie(hubUrl, token, session.expiresAt, now())],
});

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
    summary: 'Signs the browser in with the code of a signInUrl, for the pages of the hub',
    answers: { 200: sessionAnswerSchema },
    problems: ['signInLinkOver', 'forbidden'],
    sameOrigin: true,
    bodySchema: z.strictObject({
      code: z.string().min(1).max(200).meta({ description: 'What stands after #code= in the signInUrl.' }),
      attempt: z.string().min(20).max(100).meta({
        description:
          'Random text of the caller. The same code with the same attempt is answered again within its minute.',
      }),
    }),
    handle: async ({ services, body }) =>
      answerSignedIn(services, await redeemSignInCode(services, body.code, body.attempt)),
  }),
  defineOpenRoute({
    ...common,
    method: 'POST',
    path: '/sign-in/identity-provider',
    summary: 'Begins a sign-in at the identity provider, for the pages of the hub; good once, for ten minutes',
    answers: { 200: z.object({ authorizationUrl: z.string(), expiresAt: z.string() }) },
    problems: ['signInNotOffered', 'signInRefused', 'forbidden', 'unavailable'],
    sameOrigin: true,
    bodySchema: z.strictObject({ organizationId: z.string().regex(/^org_[0-9A-Za-z]{16,40}$/) }),
    handle: async ({ services, body }) => {
      const { hubUrl, now } = services;
      const redirectUri = signInRedirectUriOf(hubUrl);
      const { pending, ...answer } = await beginProviderSignIn(
        providerContextOf(services),
        body.organizationId,
        redirectUri,
      );
      const seconds = (Date.parse(answer.expiresAt) - now().getTime()) / 1000;
      return { status: 200, body: answer, cookies: [pendingSignInCookie(hubUrl, pending, seconds)] };
    },
  }),
  defineOpenRoute({
    ...common,
    method: 'POST',
    path: '/sign-in/identity-provider/callback',
    summary:
      'Ends a sign-in at the identity provider with what it sent the browser back with, for the pages of the hub',
    answers: { 200: sessionAnswerSchema },
    problems: ['signInInterrupted', 'signInNotOffered', 'signInRefused', 'userInactive', 'forbidden', 'unavailable'],
    sameOrigin: true,
    bodySchema: z.strictObject({
      query: z.string().max(8_000).meta({ description: 'The query of the address that the browser was sent back to.' }),
    }),
    handle: async ({ services, cookies, body }) => {
      const { hubUrl } = services;
      const kept = readPendingSignIn(hubUrl, cookies);
      const signedIn = await completeProviderSignIn(providerContextOf(services), kept, new URLSearchParams(body.query));
      const answer = answerSignedIn(services, signedIn);
      return { ...answer, cookies: [...(answer.cookies ?? []), clearedPendingSignIn(hubUrl)] };
    },
  }),
];
