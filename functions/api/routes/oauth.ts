import * as z from 'zod';
import { completeConnection } from '../../../shared/oauth/complete-connection.ts';
import { defineOpenRoute, noParameters, type Route } from '../route.ts';

export const oauthRoutes: readonly Route[] = [
  defineOpenRoute({
    method: 'GET',
    path: '/oauth/callback',
    summary: 'Where the authorization server sends the browser back to; goes on to the returnUrl of the sign-in',
    tag: 'Mailboxes',
    answers: { 302: null },
    pathSchema: noParameters,
    // Authorization servers add parameters of their own.
    querySchema: z.record(z.string(), z.string().max(8_000)),
    handle: async ({ services, query }) => {
      const { store, cycles, vault, authorizationServers: servers, now } = services;
      const location = await completeConnection({ store, cycles, vault, servers, now }, new URLSearchParams(query));
      return { status: 302, headers: { location, 'referrer-policy': 'no-referrer' } };
    },
  }),
];
