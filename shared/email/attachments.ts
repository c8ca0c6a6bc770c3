import type { Organization } from '../organization/organization.ts';
import type { Author } from '../platform/change.ts';
import type { ContentStore } from '../platform/content-store.ts';
import { createChange } from '../platform/create-change.ts';
import type { EntityStore } from '../platform/entity-store.ts';
import { FaultError } from '../platform/fault.ts';
import { refuseField } from '../platform/validate.ts';
import { requireStorageQuota } from '../quota/require-quota.ts';
import type { AddAttachmentInput } from './attachment-input.ts';
import { type Attachment, type Email, emailKind } from './email.ts';
import { emailContentPrefix } from './email-body.ts';

export interface AttachmentDependencies {
  readonly store: EntityStore;
  readonly content: ContentStore;
  readonly now: () => Date;
}

const smallBytes = 3 * 1024 * 1024;
const attachmentsPerEmail = 100;

/** What follows the last dot, as systems read it that ignore dots and blanks at the end of a name. */
const extensionOf = (fileName: string): string | undefined =>
  /\.([^.\s/\\]+)$/.exec(fileName.replace(/[.\s]+$/, ''))?.[1]?.toLowerCase();

/** @throws FaultError attachmentBlocked */
export const requireAllowedName = (organization: Pick<Organization, 'settings'>, fileName: string): void => {
  const extension = extensionOf(fileName);
  if (extension !== undefined && organization.settings.attachments.blockedExtensions.includes(extension))
    throw new FaultError('attachmentBlocked', { detail: `Files that end with .${extension} are blocked` });
};

const requireSize = (organization: Organization, bytes: number): void => {
  const { maxBytes } = organization.settings.attachments;
  if (bytes > maxBytes)
    throw new FaultError('attachmentTooLarge', { detail: `The file has ${bytes} bytes, ${maxBytes} are allowed` });
};

const decode = (text: string): Buffer => {
  const bytes = Buffer.from(text, 'base64');
  if (bytes.length > smallBytes)
    throw new FaultError('attachmentTooLarge', {
      detail: `contentBase64 takes ${smallBytes} bytes; upload larger files by giving sizeBytes instead`,
    });
  return bytes;
};

/** The states as they are now: an upload goes to the content bucket and tells nobody. */
export const withUploadedStates = async (
  content: ContentStore,
  attachments: readonly Attachment[],
): Promise<Attachment[]> =>
  Promise.all(
    attachments.map(async (attachment) => {
      if (attachment.state === 'ready' || attachment.storageKey === undefined) return attachment;
      const bytes = await content.size(attachment.storageKey);
      return bytes === attachment.sizeBytes ? { ...attachment, state: 'ready' as const } : attachment;
    }),
  );

const requireDraft = (email: Email): void => {
  if (email.status !== 'draft')
    throw new FaultError('invalidState', {
      detail: `Attachments of a draft can be changed; this email is ${email.status}`,
    });
};

/**
 * Adds a file to a draft: its bytes at once, or a place to upload them to.
 *
 * @throws FaultError notFound, versionMismatch, invalidState, attachmentBlocked, attachmentTooLarge, messageTooLarge
 */
export const addAttachment = async (
  deps: AttachmentDependencies,
  organization: Organization,
  emailId: string,
  attachmentId: string,
  input: AddAttachmentInput,
  options: { readonly author: Author; readonly ifMatch?: number | undefined },
): Promise<{ readonly email: Email; readonly attachment: Attachment }> => {
  const { store, content, now } = deps;
  const current = await store.get(emailKind, organization.id, emailId);
  if (current === undefined) throw new FaultError('notFound');
  requireDraft(current);
  await requireStorageQuota(store, organization);
  requireAllowedName(organization, input.fileName);
  const bytes = input.contentBase64 === undefined ? undefined : decode(input.contentBase64);
  const sizeBytes = bytes?.length ?? input.sizeBytes;
  if (sizeBytes === undefined) throw refuseField('#/sizeBytes', 'required', 'contentBase64 or sizeBytes is needed');
  requireSize(organization, sizeBytes);
  const storageKey = `${emailContentPrefix(organization.id, emailId)}attachments/${attachmentId}`;
  // Before the email tells of it, so that what it calls ready is there.
  if (bytes !== undefined) await content.put(storageKey, bytes, input.contentType);
  const attachment: Attachment = {
    id: attachmentId,
    fileName: input.fileName,
    contentType: input.contentType,
    sizeBytes,
    ...(input.contentId === undefined ? {} : { contentId: input.contentId }),
    state: bytes === undefined ? 'awaitingUpload' : 'ready',
    storageKey,
  };
  const email = await store.update(
    emailKind,
    organization.id,
    emailId,
    (email) => {
      requireDraft(email);
      if (email.attachments.some(({ id }) => id === attachmentId)) return undefined;
      if (email.attachments.length >= attachmentsPerEmail)
        throw new FaultError('messageTooLarge', { detail: `An email takes ${attachmentsPerEmail} attachments` });
      return {
        next: { ...email, attachments: [...email.attachments, attachment] },
        changes: [createChange('email.updated', options.author, now(), ['attachments'])],
      };
    },
    { now, ifMatch: options.ifMatch },
  );
  return { email, attachment };
};

/** @throws FaultError notFound (also when the email has no such attachment), versionMismatch, invalidState */
export const removeAttachment = async (
  deps: AttachmentDependencies,
  organizationId: string,
  emailId: string,
  attachmentId: string,
  options: { readonly author: Author; readonly ifMatch?: number | undefined },
): Promise<void> => {
  const { store, content, now } = deps;
  let storageKey: string | undefined;
  await store.update(
    emailKind,
    organizationId,
    emailId,
    (email) => {
      requireDraft(email);
      const attachment = email.attachments.find(({ id }) => id === attachmentId);
      if (attachment === undefined) throw new FaultError('notFound');
      storageKey = attachment.storageKey;
      return {
        next: { ...email, attachments: email.attachments.filter(({ id }) => id !== attachmentId) },
        changes: [createChange('email.updated', options.author, now(), ['attachments'])],
      };
    },
    { now, ifMatch: options.ifMatch },
  );
  if (storageKey !== undefined) await content.removeAll(storageKey);
};
