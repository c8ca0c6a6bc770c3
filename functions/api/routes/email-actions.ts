import * as z from 'zod';
import { acceptSend } from '../../../shared/email/accept-send.ts';
import { clientDeliverySchema, reportClientDelivery } from '../../../shared/email/client-delivery.ts';
import type { Email } from '../../../shared/email/email.ts';
import { resolvePartySchema, retryEmailSchema, sendEmailSchema } from '../../../shared/email/email-input.ts';
import { emailWithBodyAnswerSchema } from '../../../shared/email/present-email.ts';
import { resolveParty } from '../../../shared/email/resolve-party.ts';
import { cancelSend, markSent, retrySend } from '../../../shared/email/send-actions.ts';
import { untrackEmail } from '../../../shared/email/untrack-email.ts';
import { answerResource } from '../answers.ts';
import { emailPathSchema, resolveEmailId, showEmailNow } from '../email-request.ts';
import { ownershipOf } from '../ownership.ts';
import { defineRoute, noParameters, type OrganizationContext, type Route, writersAndUsers } from '../route.ts';
import { sendProblems } from './emails.ts';

type EmailPath = z.output<typeof emailPathSchema>;

/** An action of an email: POST below it, answered with the email. */
const defineEmailAction = <Body extends z.ZodType>(action: {
  readonly verb: string;
  readonly summary: string;
  /** 202: the email's status is the progress. */
  readonly status: 200 | 202;
  readonly problems: readonly string[];
  readonly bodySchema: Body;
  readonly run: (emailId: string, context: OrganizationContext<EmailPath, unknown, z.output<Body>>) => Promise<Email>;
}): Route =>
  defineRoute({
    method: 'POST',
    path: `/emails/{emailId}/${action.verb}`,
    summary: action.summary,
    tag: 'Emails',
    access: writersAndUsers,
    answers: { [action.status]: emailWithBodyAnswerSchema },
    problems: action.problems,
    pathSchema: emailPathSchema,
    querySchema: noParameters,
    bodySchema: action.bodySchema,
    handle: async (context) => {
      const email = await action.run(await resolveEmailId(context), context);
      return answerResource(await showEmailNow(context, email), action.status);
    },
  });

const noFields = z.strictObject({});

export const emailActionsRoutes: readonly Route[] = [
  defineEmailAction({
    verb: 'send',
    summary: 'Sends a draft, once',
    status: 202,
    problems: ['invalidState', ...sendProblems],
    bodySchema: sendEmailSchema,
    run: (emailId, { services, organization, caller, body, author, ifMatch }) =>
      acceptSend(services, organization, emailId, body, { author, ifMatch, userId: ownershipOf(caller)?.userId }),
  }),
  defineEmailAction({
    verb: 'cancel',
    summary: 'Calls a Send back that is not under way, or gives a failed one up',
    status: 200,
    problems: ['invalidState', 'alreadySending', 'alreadySent'],
    bodySchema: noFields,
    run: (emailId, { services, organization, author, ifMatch }) =>
      cancelSend(services, organization, emailId, { author, ifMatch }),
  }),
  defineEmailAction({
    verb: 'retry',
    summary: 'Sends a failed email again; an unconfirmed one only where duplicates are accepted',
    status: 202,
    problems: ['invalidState', 'mayDuplicate', 'workloadNotEnabled', 'channelIsEmailRouter'],
    bodySchema: retryEmailSchema,
    run: (emailId, { services, organization, body, author, ifMatch }) =>
      retrySend(services, organization, emailId, body, { author, ifMatch }),
  }),
  defineEmailAction({
    verb: 'mark-sent',
    summary: 'Says that an unconfirmed email arrived',
    status: 200,
    problems: ['invalidState'],
    bodySchema: noFields,
    run: (emailId, { services, organization, author, ifMatch }) =>
      markSent(services, organization, emailId, { author, ifMatch }),
  }),
  defineEmailAction({
    verb: 'client-delivery',
    summary: 'The mail program that delivers for the mailbox says how far it is with an email',
    status: 200,
    problems: ['invalidState', 'notSynchronizingClient', 'alreadySending', 'alreadySent'],
    bodySchema: clientDeliverySchema,
    run: (emailId, { services, organization, body, author, ifMatch }) =>
      reportClientDelivery(services, organization, emailId, body, { author, ifMatch }),
  }),
  defineEmailAction({
    verb: 'untrack',
    summary: 'Cuts an email off from its copy in the mailbox, which is not tracked again by itself',
    status: 200,
    problems: ['invalidState'],
    bodySchema: noFields,
    run: (emailId, { services, organization, author, ifMatch }) =>
      untrackEmail(services, organization.id, emailId, { author, ifMatch }),
  }),
  defineRoute({
    method: 'POST',
    path: '/emails/{emailId}/resolve-party',
    summary:
      'Says which record an address stands for, here and in similar emails; Operation-Location names the operation that goes on with many',
    tag: 'Emails',
    access: writersAndUsers,
    answers: { 200: emailWithBodyAnswerSchema },
    pathSchema: emailPathSchema,
    querySchema: noParameters,
    bodySchema: resolvePartySchema,
    handle: async (context) => {
      const { services, organization, caller, body, author, ifMatch, identifierFor } = context;
      const options = { author, ifMatch, ownership: ownershipOf(caller), operationId: identifierFor('opn') };
      const id = await resolveEmailId(context);
      const { email, operation } = await resolveParty(services, organization.id, id, body, options);
      const answer = answerResource(await showEmailNow(context, email));
      if (operation === undefined) return answer;
      return { ...answer, headers: { ...answer.headers, 'operation-location': `/v1/operations/${operation.id}` } };
    },
  }),
];
