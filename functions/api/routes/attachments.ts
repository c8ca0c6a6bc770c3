import * as z from 'zod';
import { addAttachmentSchema } from '../../../shared/email/attachment-input.ts';
import { addAttachment, removeAttachment, withUploadedStates } from '../../../shared/email/attachments.ts';
import { attachmentAnswerSchema, presentAttachment } from '../../../shared/email/present-email.ts';
import { FaultError } from '../../../shared/platform/fault.ts';
import { answerNothing, answerRedirect, uploadSchema } from '../answers.ts';
import { emailPathSchema, requireEmail, resolveEmailId } from '../email-request.ts';
import { listFound, pageQueryShape, pageSchema } from '../page.ts';
import { defineRoute, noParameters, type Route, writersAndUsers } from '../route.ts';

const tag = 'Emails';
const path = '/emails/{emailId}/attachments';
const attachmentPathSchema = z.strictObject({ ...emailPathSchema.shape, attachmentId: z.string() });

const addedSchema = attachmentAnswerSchema.extend({
  upload: uploadSchema.optional().meta({ description: 'Where to PUT the bytes, with these headers.' }),
});

const findAttachment = async (
  request: Parameters<typeof requireEmail>[0] & { readonly path: { attachmentId: string } },
) => {
  const { attachments } = await requireEmail(request);
  const found = attachments.find(({ id }) => id === request.path.attachmentId);
  if (found === undefined) throw new FaultError('notFound');
  const [attachment = found] = await withUploadedStates(request.services.content, [found]);
  return attachment;
};

export const attachmentsRoutes: readonly Route[] = [
  defineRoute({
    method: 'POST',
    path,
    summary: 'Adds a file to a draft: its bytes, or its size for an upload',
    tag,
    access: writersAndUsers,
    answers: { 201: addedSchema },
    problems: ['invalidState', 'attachmentBlocked', 'attachmentTooLarge', 'messageTooLarge'],
    pathSchema: emailPathSchema,
    querySchema: noParameters,
    bodySchema: addAttachmentSchema,
    handle: async (context) => {
      const { services, organization, body, author, ifMatch, identifierFor } = context;
      const emailId = await resolveEmailId(context);
      const { attachment } = await addAttachment(services, organization, emailId, identifierFor('att'), body, {
        author,
        ifMatch,
      });
      const { storageKey, contentType, sizeBytes } = attachment;
      const awaited = attachment.state === 'awaitingUpload' && storageKey !== undefined;
      const upload = awaited
        ? {
            upload: {
              method: 'PUT' as const,
              ...(await services.content.uploadUrl(storageKey, { contentType, sizeBytes, now: services.now() })),
            },
          }
        : {};
      return {
        status: 201,
        headers: { location: `/v1/emails/${emailId}/attachments/${attachment.id}` },
        body: { ...presentAttachment(attachment), ...upload },
      };
    },
  }),
  defineRoute({
    method: 'GET',
    path,
    summary: 'Lists the files of an email',
    tag,
    access: writersAndUsers,
    answers: { 200: pageSchema(attachmentAnswerSchema) },
    pathSchema: emailPathSchema,
    querySchema: z.strictObject(pageQueryShape),
    bodySchema: null,
    handle: async (context) => {
      const { services, organization, query } = context;
      const email = await requireEmail(context);
      return {
        status: 200,
        body: listFound({
          kind: { kind: 'attachment' },
          organizationId: organization.id,
          found: await withUploadedStates(services.content, email.attachments),
          query,
          filters: { emailId: email.id },
          present: presentAttachment,
          now: services.now(),
          ascending: true,
        }),
      };
    },
  }),
  defineRoute({
    method: 'GET',
    path: `${path}/{attachmentId}`,
    summary: 'Tells of one file',
    tag,
    access: writersAndUsers,
    answers: { 200: attachmentAnswerSchema },
    pathSchema: attachmentPathSchema,
    querySchema: noParameters,
    bodySchema: null,
    handle: async (context) => ({ status: 200, body: presentAttachment(await findAttachment(context)) }),
  }),
  defineRoute({
    method: 'DELETE',
    path: `${path}/{attachmentId}`,
    summary: 'Takes a file off a draft',
    tag,
    access: writersAndUsers,
    answers: { 204: null },
    problems: ['invalidState'],
    pathSchema: attachmentPathSchema,
    querySchema: noParameters,
    bodySchema: null,
    handle: async (context) => {
      const { services, organization, path: named, author, ifMatch } = context;
      const emailId = await resolveEmailId(context);
      await removeAttachment(services, organization.id, emailId, named.attachmentId, { author, ifMatch });
      return answerNothing();
    },
  }),
  defineRoute({
    method: 'GET',
    path: `${path}/{attachmentId}/content`,
    summary: 'Redirects to the bytes of a file',
    tag,
    access: writersAndUsers,
    answers: { 302: null },
    problems: ['attachmentNotReady'],
    pathSchema: attachmentPathSchema,
    querySchema: noParameters,
    bodySchema: null,
    handle: async (context) => {
      const { storageKey, state, contentType, fileName } = await findAttachment(context);
      if (storageKey === undefined) throw new FaultError('notFound');
      if (state !== 'ready') throw new FaultError('attachmentNotReady');
      return answerRedirect(await context.services.content.downloadUrl(storageKey, { contentType, fileName }));
    },
  }),
];
