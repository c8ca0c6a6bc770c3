import * as z from 'zod';
import { disconnectMailbox } from '../../../shared/oauth/disconnect-mailbox.ts';
import { type ConnectionContext, startConnection } from '../../../shared/oauth/start-connection.ts';
import { answerNothing } from '../answers.ts';
import { mailboxContextOf, mailboxPathSchema, resolveMailboxId } from '../mailbox-request.ts';
import { redirectUriOf } from '../redirect-uri.ts';
import { defineRoute, noParameters, type OrganizationContext, type Route, writersAndUsers } from '../route.ts';

const tag = 'Mailboxes';

export const authorizationSchema = z
  .object({
    authorizationUrl: z.string().meta({ description: "Where to send the owner's browser." }),
    expiresAt: z.string(),
  })
  .meta({ id: 'OAuthAuthorization' });

export const connectionContextOf = (context: OrganizationContext<unknown, unknown, unknown>): ConnectionContext => ({
  ...mailboxContextOf(context),
  servers: context.services.authorizationServers,
});

export const mailboxOAuthRoutes: readonly Route[] = [
  defineRoute({
    method: 'POST',
    path: '/mailboxes/{mailboxId}/oauth-connect',
    summary: 'Begins the sign-in that connects a mailbox to its provider; good once, for ten minutes',
    tag,
    access: writersAndUsers,
    answers: { 200: authorizationSchema },
    problems: ['returnUrlNotAllowed', 'notSupported', 'invalidState', 'unavailable'],
    pathSchema: mailboxPathSchema,
    querySchema: noParameters,
    bodySchema: z.strictObject({
      returnUrl: z.string().min(1).max(2000).meta({
        description: 'Where the browser goes at the end, with status=connected or status=failed&code=.',
      }),
    }),
    handle: async (context) => {
      const { services, body, ifMatch } = context;
      const mailboxId = await resolveMailboxId(context);
      const redirectUri = redirectUriOf(services.hubUrl);
      return {
        status: 200,
        body: await startConnection(connectionContextOf(context), mailboxId, { ...body, redirectUri, ifMatch }),
      };
    },
  }),
  defineRoute({
    method: 'DELETE',
    path: '/mailboxes/{mailboxId}/oauth',
    summary: "Revokes and forgets the mailbox's connection to its provider",
    tag,
    access: writersAndUsers,
    answers: { 204: null },
    pathSchema: mailboxPathSchema,
    querySchema: noParameters,
    bodySchema: null,
    handle: async (context) => {
      await disconnectMailbox(connectionContextOf(context), await resolveMailboxId(context), context.ifMatch);
      return answerNothing();
    },
  }),
];
