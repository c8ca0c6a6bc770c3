import { bulkInputSchema } from '../../../shared/mailbox/bulk-input.ts';
import { startBulk } from '../../../shared/mailbox/start-bulk.ts';
import { operationAnswerSchema, presentOperation } from '../../../shared/operation/present-operation.ts';
import { FaultError } from '../../../shared/platform/fault.ts';
import { answerOperation } from '../answers.ts';
import { mailboxContextOf } from '../mailbox-request.ts';
import { isAdministrator } from '../ownership.ts';
import { defineRoute, noParameters, type Route } from '../route.ts';

export const mailboxBulkRoutes: readonly Route[] = [
  defineRoute({
    method: 'POST',
    path: '/mailboxes/bulk',
    summary: 'Does one action to many mailboxes, queues before users; approve with a key of role admin only',
    tag: 'Mailboxes',
    access: ['admin', 'crm'],
    answers: { 202: operationAnswerSchema },
    pathSchema: noParameters,
    querySchema: noParameters,
    bodySchema: bulkInputSchema,
    handle: async (context) => {
      const { caller, body } = context;
      if (body.action === 'approve' && !isAdministrator(caller))
        throw new FaultError('forbidden', { detail: 'Mailboxes are approved with a key of role admin' });
      const operation = await startBulk(mailboxContextOf(context), body, context.identifierFor('opn'));
      return answerOperation(presentOperation(operation));
    },
  }),
];
