import * as z from 'zod';
import { beginClientDelivery } from '../../../shared/email/begin-client-delivery.ts';
import { emailWithBodyAnswerSchema } from '../../../shared/email/present-email.ts';
import { synchronizingClientSchema } from '../../../shared/mailbox/mailbox.ts';
import { synchronizingClientInputSchema } from '../../../shared/mailbox/synchronizing-client.ts';
import { operationAnswerSchema, presentOperation } from '../../../shared/operation/present-operation.ts';
import {
  promoteInputSchema,
  promoteMessage,
  reprocessRequestSchema,
  startReprocess,
} from '../../../shared/tracking/promote-message.ts';
import { answerOperation, answerResource, uploadSchema } from '../answers.ts';
import { showEmail } from '../email-request.ts';
import { mailboxContextOf, mailboxPathSchema, resolveMailboxId } from '../mailbox-request.ts';
import { defineRoute, noParameters, type Route, writersAndUsers } from '../route.ts';

const common = { method: 'POST', tag: 'Mailboxes', pathSchema: mailboxPathSchema, querySchema: noParameters } as const;
const writers = ['admin', 'crm'] as const;
const notReady = ['ownerInactive', 'channelIsEmailRouter', 'invalidState'];

const synchronizingClientAnswerSchema = synchronizingClientSchema.extend({ mailboxId: z.string() });

export const mailboxTrackingRoutes: readonly Route[] = [
  defineRoute({
    ...common,
    method: 'PUT',
    path: '/mailboxes/{mailboxId}/synchronizing-client',
    summary: 'A mail program comes forward to deliver and report for a mailbox whose method is client',
    access: writersAndUsers,
    answers: { 200: synchronizingClientAnswerSchema },
    problems: ['invalidState', 'otherClientSynchronizing'],
    bodySchema: synchronizingClientInputSchema,
    handle: async (context) => {
      const mailboxId = await resolveMailboxId(context);
      const mailbox = await beginClientDelivery(mailboxContextOf(context), mailboxId, context.body, context.ifMatch);
      return {
        status: 200,
        body: { mailboxId, ...mailbox.synchronizingClient },
        headers: { etag: `"${mailbox.version}"` },
      };
    },
  }),
  defineRoute({
    ...common,
    path: '/mailboxes/{mailboxId}/promote',
    summary: 'Has one message tracked whatever the filters say; answers with the email when it is tracked already',
    access: writersAndUsers,
    answers: {
      200: emailWithBodyAnswerSchema,
      202: operationAnswerSchema.extend({
        upload: uploadSchema.optional().meta({ description: 'Where to PUT the raw message, with these headers.' }),
      }),
    },
    problems: [...notReady, 'messageTooLarge'],
    bodySchema: promoteInputSchema,
    handle: async (context) => {
      const { services, body, ifMatch, identifierFor } = context;
      const mailboxId = await resolveMailboxId(context);
      const promoting = { ...mailboxContextOf(context), content: services.content };
      const options = { ifMatch, operationId: identifierFor('opn') };
      const promoted = await promoteMessage(promoting, mailboxId, body, options);
      if ('email' in promoted) return answerResource(await showEmail(context, promoted.email));
      const { operation, upload } = promoted;
      return answerOperation({ ...presentOperation(operation), ...(upload === undefined ? {} : { upload }) });
    },
  }),
  defineRoute({
    ...common,
    path: '/mailboxes/{mailboxId}/reprocess',
    summary: 'Decides again about mail that was skipped or never seen, by the settings of today; doubles nothing',
    access: writers,
    answers: { 202: operationAnswerSchema },
    problems: notReady,
    bodySchema: reprocessRequestSchema,
    handle: async (context) => {
      const { services, body, ifMatch, identifierFor } = context;
      const mailboxId = await resolveMailboxId(context);
      const promoting = { ...mailboxContextOf(context), content: services.content };
      const options = { ifMatch, operationId: identifierFor('opn') };
      return answerOperation(presentOperation(await startReprocess(promoting, mailboxId, body, options)));
    },
  }),
];
