import * as z from 'zod';
import { createEmail } from '../../../shared/email/create-email.ts';
import { type Email, emailKind, emailSchema } from '../../../shared/email/email.ts';
import { createEmailSchema, patchEmailSchema } from '../../../shared/email/email-input.ts';
import { emailAnswerSchema, emailWithBodyAnswerSchema } from '../../../shared/email/present-email.ts';
import { removeEmail } from '../../../shared/email/remove-email.ts';
import { planEmailSearch } from '../../../shared/email/search-emails.ts';
import { updateEmail } from '../../../shared/email/update-email.ts';
import { FaultError } from '../../../shared/platform/fault.ts';
import { instantSchema } from '../../../shared/platform/values.ts';
import { answerCreated, answerNothing, answerRedirect, answerResource } from '../answers.ts';
import { emailPathSchema, requireEmail, resolveEmailId, showEmail, showEmailNow } from '../email-request.ts';
import { asOwnChange, asOwnDraft, ownFilters } from '../own-email.ts';
import { ownershipOf } from '../ownership.ts';
import { listEntities, listFound, pageQueryShape, pageSchema } from '../page.ts';
import { defineRoute, noParameters, type Route, rolesAndUsers, writersAndUsers } from '../route.ts';

const tag = 'Emails';

/** What accepting a Send may refuse. */
export const sendProblems = [
  'noRecipients',
  'recipientInvalid',
  'unresolvedRecipients',
  'sendAsNotAllowed',
  'automaticReplyLoop',
  'workloadNotEnabled',
  'channelIsEmailRouter',
  'attachmentNotReady',
  'messageTooLarge',
] as const;

const fieldsSchema = z.enum(['summary']).optional().meta({ description: 'summary leaves bodies out.' });

export const emailsRoutes: readonly Route[] = [
  defineRoute({
    method: 'POST',
    path: '/emails',
    summary: 'Creates a draft; with send it is sent in the same step',
    tag,
    access: writersAndUsers,
    answers: { 201: emailWithBodyAnswerSchema, 202: emailWithBodyAnswerSchema },
    problems: ['externalIdTaken', ...sendProblems],
    pathSchema: noParameters,
    querySchema: noParameters,
    bodySchema: createEmailSchema,
    handle: async (context) => {
      const { services, organization, author, identifierFor } = context;
      const body = await asOwnDraft(context);
      const email = await createEmail(services, organization, identifierFor(emailKind.prefix), body, author);
      const answer = answerCreated(`/emails/${email.id}`, await showEmail(context, email));
      return body.send ? { ...answer, status: 202 } : answer;
    },
  }),
  defineRoute({
    method: 'GET',
    path: '/emails',
    summary: 'Lists emails, newest first',
    tag,
    access: rolesAndUsers,
    answers: { 200: pageSchema(z.union([emailWithBodyAnswerSchema, emailAnswerSchema])) },
    pathSchema: noParameters,
    querySchema: z.strictObject({
      ...pageQueryShape,
      fields: fieldsSchema,
      mailboxId: z.string().max(250).optional().meta({
        description: 'The mailbox that it goes out through, or one that received it, whichever did first.',
      }),
      ownerId: z.string().max(250).optional().meta({ description: 'A user, queue or team.' }),
      direction: emailSchema.shape.direction.optional(),
      status: emailSchema.shape.status.optional(),
      regarding: z.string().max(300).optional().meta({
        description: 'The id of a record, or <type>/<id>, where the id may be ext:<externalId>.',
      }),
      conversationId: z.string().max(250).optional(),
      messageId: z.string().max(1000).optional().meta({ description: 'The angle brackets may be left out.' }),
      participant: z.string().min(1).max(320).optional().meta({
        description: 'An address, or the id of a record, user, queue or team.',
      }),
      receivedFrom: instantSchema.optional().meta({ description: 'Received at or after.' }),
      receivedTo: instantSchema.optional().meta({ description: 'Received before.' }),
      bound: z
        .enum(['true', 'false'])
        .transform((text) => text === 'true')
        .optional()
        .meta({ description: 'false: emails that the hub found in mailboxes and that have no externalId yet.' }),
    }),
    bodySchema: null,
    handle: async (context) => {
      const { services, organization, caller } = context;
      const { limit, cursor, ...named } = context.query;
      const { store } = services;
      const ownership = ownershipOf(caller);
      const filters = ownership === undefined ? named : ownFilters(ownership, named);
      const search = await planEmailSearch(store, organization.id, filters);
      const common = {
        kind: emailKind,
        organizationId: organization.id,
        query: { limit, cursor },
        filters,
        present: (email: Email) => showEmail(context, email, filters.fields),
        now: services.now(),
      };
      if (!('found' in search)) {
        return { status: 200, body: await listEntities({ ...common, store, ...search }) };
      }
      const { data, nextCursor } = listFound({ ...common, found: search.found });
      return { status: 200, body: { data: await Promise.all(data), nextCursor } };
    },
  }),
  defineRoute({
    method: 'GET',
    path: '/emails/{emailId}',
    summary: 'Reads an email',
    tag,
    access: rolesAndUsers,
    answers: { 200: z.union([emailWithBodyAnswerSchema, emailAnswerSchema]) },
    pathSchema: emailPathSchema,
    querySchema: z.strictObject({ fields: fieldsSchema }),
    bodySchema: null,
    handle: async (context) =>
      answerResource(await showEmailNow(context, await requireEmail(context), context.query.fields)),
  }),
  defineRoute({
    method: 'PATCH',
    path: '/emails/{emailId}',
    summary:
      'Changes a draft; of any other email what it regards, its owner, the records of its parties, its externalId',
    tag,
    access: writersAndUsers,
    answers: { 200: emailWithBodyAnswerSchema },
    problems: ['invalidState', 'externalIdTaken', 'sendAsNotAllowed', 'messageTooLarge'],
    pathSchema: emailPathSchema,
    querySchema: noParameters,
    bodySchema: patchEmailSchema,
    handle: async (context) => {
      const { services, organization, author, ifMatch } = context;
      const id = await resolveEmailId(context);
      const body = await asOwnChange(context);
      const email = await updateEmail(services, organization, id, body, { author, ifMatch });
      return answerResource(await showEmailNow(context, email));
    },
  }),
  defineRoute({
    method: 'DELETE',
    path: '/emails/{emailId}',
    summary: 'Removes an email from the hub, never from a mailbox',
    tag,
    access: writersAndUsers,
    answers: { 204: null },
    problems: ['invalidState'],
    pathSchema: emailPathSchema,
    querySchema: noParameters,
    bodySchema: null,
    handle: async (context) => {
      const { services, organization, author, ifMatch } = context;
      await removeEmail(services, organization.id, await resolveEmailId(context), { author, ifMatch });
      return answerNothing();
    },
  }),
  defineRoute({
    method: 'GET',
    path: '/emails/{emailId}/raw',
    summary: 'Redirects to the bytes exactly as they were sent or received; a draft has none yet',
    tag,
    access: writersAndUsers,
    answers: { 302: null },
    pathSchema: emailPathSchema,
    querySchema: noParameters,
    bodySchema: null,
    handle: async (context) => {
      const { id, rawKey } = await requireEmail(context);
      if (rawKey === null) throw new FaultError('notFound', { detail: 'No message of this email exists yet' });
      const options = { contentType: 'message/rfc822', fileName: `${id}.eml` };
      return answerRedirect(await context.services.content.downloadUrl(rawKey, options));
    },
  }),
];
