import * as z from 'zod';
import { auditWrite } from '../audit/audit-write.ts';
import { requireRegarding } from '../email/create-email.ts';
import { type Email, emailKind } from '../email/email.ts';
import { recordPointerSchema } from '../email/email-input.ts';
import { messageIdPrefix, withBrackets } from '../email/message-identity.ts';
import type { Mailbox } from '../mailbox/mailbox.ts';
import { requireMailbox } from '../mailbox/mailbox-context.ts';
import { requireComplete, requireMayRun } from '../mailbox/readiness.ts';
import type { StartContext } from '../mailbox/start-test.ts';
import { createOperation } from '../operation/create-operation.ts';
import type { Operation } from '../operation/operation.ts';
import type { ContentStore } from '../platform/content-store.ts';
import { fromItem } from '../platform/entity-store.ts';
import { FaultError } from '../platform/fault.ts';
import { partition, type RecordWrite, recordKey } from '../platform/records-table.ts';
import { refuseField } from '../platform/validate.ts';
import { instantSchema, type Reference } from '../platform/values.ts';
import { adoptEmail } from './adopt-email.ts';
import { type Decision, decisionKind } from './decision.ts';
import { parseItemId } from './item-id.ts';
import { manualOf, type TrackMessageInput } from './run-track-message.ts';
import { uploadKeyOf, uploadPatienceSeconds } from './run-track-upload.ts';
import { createTrackingContext } from './tracking-context.ts';

const regardingSchema = recordPointerSchema.nullable().optional();

export const promoteInputSchema = z
  .strictObject({
    messageId: z.string().min(1).max(1000).optional().meta({ description: 'Angle brackets may be left out.' }),
    itemId: z.string().min(1).max(2000).optional().meta({
      description: 'Where the message stands, as in an IMAP URL (RFC 5092): INBOX;UIDVALIDITY=1763/;UID=42',
    }),
    upload: z
      .strictObject({ sizeBytes: z.int().min(1) })
      .optional()
      .meta({ description: 'The raw message will be uploaded.' }),
    regarding: regardingSchema,
    createContact: z.boolean().optional().meta({
      description: 'Whether an unknown sender becomes a record; as the settings say when absent.',
    }),
  })
  .refine(
    ({ messageId, itemId, upload }) => [messageId, itemId, upload].filter((one) => one !== undefined).length === 1,
    { message: 'one of messageId, itemId and upload is needed, and one alone', params: { code: 'required' } },
  );
export type PromoteInput = z.output<typeof promoteInputSchema>;

export const trackDecisionInputSchema = z.strictObject({ regarding: regardingSchema });

export const reprocessRequestSchema = z.strictObject({
  from: instantSchema.meta({ description: 'Mail that the server received at this instant or later.' }),
  folderId: z.string().min(1).max(1000).optional().meta({ description: 'The Inbox when absent.' }),
});

export interface PromoteContext extends StartContext {
  readonly content: ContentStore;
}

interface Options {
  readonly ifMatch?: number | undefined;
  readonly operationId: string;
}

const trackSeconds = 900;
const reprocessSeconds = 86_400;
const mostEmails = 50;

/** @throws FaultError ownerInactive, channelIsEmailRouter, invalidState */
const requireTrackable = async (context: PromoteContext, mailbox: Mailbox): Promise<void> => {
  await requireMayRun(context, mailbox);
  if (mailbox.workloads.incoming.mode === 'observe')
    throw new FaultError('invalidState', {
      detail: 'The mailbox is only observed: nothing of it becomes a record',
      fix: 'Set workloads.incoming.mode to active first',
    });
};

/**
 * Whether the hub can fetch the message itself.
 *
 * @throws FaultError invalidState
 */
const requireAccess = async (context: PromoteContext, mailbox: Mailbox): Promise<void> => {
  try {
    await requireComplete(context, mailbox);
  } catch (error) {
    if (!(error instanceof FaultError) || mailbox.workloads.incoming.method !== 'client') throw error;
    throw new FaultError('invalidState', {
      detail: 'The hub has no access to the mailbox, which a mail program synchronizes',
      cause: error.fault.detail,
      fix: 'Promote the message with upload, and upload it as it is',
    });
  }
};

/** The email that this message of the mailbox is already. */
const findTracked = async (
  { store, organization }: PromoteContext,
  mailboxId: string,
  messageId: string,
): Promise<Email | undefined> => {
  const { items } = await store.table.query({
    pk: partition(organization.id, 'messageId'),
    prefix: messageIdPrefix(messageId),
    descending: true,
    limit: mostEmails,
  });
  const ids = items.map(({ sk }) => sk.slice(sk.lastIndexOf('#') + 1));
  const emails = await store.table.getMany(ids.map((id) => recordKey(organization.id, emailKind.kind, id)));
  return emails
    .map((item) => fromItem(emailKind, item))
    .find(
      ({ untrackedAt, mailboxId: first, receivedByMailboxIds, status }) =>
        untrackedAt === undefined &&
        (status === 'received' || status === 'sent') &&
        (first === mailboxId || receivedByMailboxIds.includes(mailboxId)),
    );
};

/** That somebody asked for a message to be tracked, whatever the filters say. */
const trackRequest = (
  { organization, author, now }: PromoteContext,
  subject: Operation['subject'],
  asked: object,
): RecordWrite =>
  auditWrite(organization.id, {
    author,
    now: now(),
    action: 'email.trackRequested',
    subject,
    before: null,
    after: asked,
  });

const start = (
  context: PromoteContext,
  subject: Operation['subject'],
  input: TrackMessageInput,
  { operationId }: Options,
): Promise<Operation> =>
  createOperation(context, {
    id: operationId,
    organizationId: context.organization.id,
    kind: 'trackMessage',
    subject,
    also: [trackRequest(context, subject, input)],
    mailboxGroup: input.mailboxId,
    input,
    deadlineSeconds: trackSeconds,
  });

const startUpload = async (
  context: PromoteContext,
  mailboxId: string,
  { sizeBytes }: NonNullable<PromoteInput['upload']>,
  how: { readonly regarding: Reference | null; readonly createContact?: boolean },
  { operationId }: Options,
) => {
  const { organization, content, now } = context;
  const limit = organization.settings.tracking.maxMessageBytes;
  if (sizeBytes > limit)
    throw new FaultError('messageTooLarge', { detail: `The message has ${sizeBytes} bytes, ${limit} are allowed` });
  const operation = await createOperation(context, {
    id: operationId,
    organizationId: organization.id,
    kind: 'trackUpload',
    subject: { type: 'mailbox', id: mailboxId },
    also: [trackRequest(context, { type: 'mailbox', id: mailboxId }, how)],
    mailboxGroup: operationId,
    input: { mailboxId, sizeBytes, ...how },
    deadlineSeconds: uploadPatienceSeconds + trackSeconds,
  });
  const key = uploadKeyOf(organization.id, operation.id);
  const place = await content.uploadUrl(key, { contentType: 'message/rfc822', sizeBytes, now: now() });
  return { operation, upload: { method: 'PUT' as const, ...place } };
};

export type Promoted =
  | { readonly email: Email }
  | { readonly operation: Operation; readonly upload?: Awaited<ReturnType<typeof startUpload>>['upload'] };

/**
 * Has a message of a mailbox tracked whatever the filters say. One that is tracked already is answered at once.
 *
 * @throws FaultError notFound, versionMismatch, invalidRequest, invalidState, ownerInactive, channelIsEmailRouter,
 * messageTooLarge
 */
export const promoteMessage = async (
  context: PromoteContext,
  mailboxId: string,
  input: PromoteInput,
  options: Options,
): Promise<Promoted> => {
  const { store, organization } = context;
  const mailbox = await requireMailbox(context, mailboxId, options.ifMatch);
  await requireTrackable(context, mailbox);
  const { createContact } = input;
  const regarding = await requireRegarding(store, organization.id, input.regarding);
  const how = { regarding, ...(createContact === undefined ? {} : { createContact }) };
  if (input.upload !== undefined) return startUpload(context, mailboxId, input.upload, how, options);
  const place = input.itemId === undefined ? undefined : parseItemId(input.itemId);
  if (input.itemId !== undefined && place === undefined)
    throw refuseField('#/itemId', 'invalidValue', 'Not of the form folder;UIDVALIDITY=number/;UID=number');
  const messageId = input.messageId === undefined ? null : withBrackets(input.messageId);
  const known = messageId === null ? undefined : await findTracked(context, mailboxId, messageId);
  if (known !== undefined) {
    const tracking = createTrackingContext(context, organization, mailbox, null);
    await adoptEmail({ ...tracking, author: context.author }, known.id, manualOf(how, 'somebody asked'));
    const email = await store.get(emailKind, organization.id, known.id);
    if (email !== undefined) return { email };
  }
  await requireAccess(context, mailbox);
  const wanted = { mailboxId, messageId, ...(place === undefined ? {} : { place }), ...how };
  return { operation: await start(context, { type: 'mailbox', id: mailboxId }, wanted, options) };
};

/**
 * Has the message of a decision tracked, whatever was decided.
 *
 * @throws FaultError invalidRequest, invalidState, ownerInactive, channelIsEmailRouter
 */
export const trackDecided = async (
  context: PromoteContext,
  decision: Decision,
  regardingInput: PromoteInput['regarding'],
  options: Options,
): Promise<Operation> => {
  const { store, organization } = context;
  const mailbox = await requireMailbox(context, decision.mailboxId);
  await requireTrackable(context, mailbox);
  await requireComplete(context, mailbox);
  const regarding = await requireRegarding(store, organization.id, regardingInput);
  const { folder, uidValidity, uid, messageId, fromAddress } = decision;
  const place = uidValidity === undefined || uid === undefined ? {} : { place: { folder, uidValidity, uid } };
  const wanted = { mailboxId: mailbox.id, decisionId: decision.id, messageId, fromAddress, regarding, ...place };
  return start(context, { type: decisionKind.kind, id: decision.id }, wanted, options);
};

/**
 * Has everything in a mailbox decided again that was skipped or never seen since an instant.
 *
 * @throws FaultError notFound, versionMismatch, invalidState, ownerInactive, channelIsEmailRouter
 */
export const startReprocess = async (
  context: PromoteContext,
  mailboxId: string,
  input: z.output<typeof reprocessRequestSchema>,
  { operationId, ifMatch }: Options,
): Promise<Operation> => {
  const mailbox = await requireMailbox(context, mailboxId, ifMatch);
  await requireMayRun(context, mailbox);
  await requireComplete(context, mailbox);
  return createOperation(context, {
    id: operationId,
    organizationId: context.organization.id,
    kind: 'reprocess',
    subject: { type: 'mailbox', id: mailboxId },
    mailboxGroup: mailboxId,
    input,
    deadlineSeconds: reprocessSeconds,
  });
};
