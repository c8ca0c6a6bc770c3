import { requireAllowedName } from '../email/attachments.ts';
import type { Attachment, LeftOutFile } from '../email/email.ts';
import { emailContentPrefix } from '../email/email-body.ts';
import type { ReceivedFile } from '../email/mime/read-message.ts';
import type { Organization } from '../organization/organization.ts';
import type { ContentStore } from '../platform/content-store.ts';
import { FaultError } from '../platform/fault.ts';
import { deriveIdentifier } from '../platform/identifier.ts';

export interface KeptFiles {
  readonly attachments: readonly Attachment[];
  /** Files that stand in the raw message only, the first 20 of them. */
  readonly leftOut: readonly LeftOutFile[];
}

const mostFiles = 100;
const shownRefusals = 20;

const refusalOf = (
  organization: Organization,
  { fileName }: ReceivedFile,
  sizeBytes: number,
): LeftOutFile['code'] | undefined => {
  if (sizeBytes > organization.settings.attachments.maxBytes) return 'attachmentTooLarge';
  try {
    requireAllowedName(organization, fileName);
    return undefined;
  } catch (error) {
    if (!(error instanceof FaultError)) throw error;
    return 'attachmentBlocked';
  }
};

/**
 * Stores the files of a message so that each can be downloaded as it is. One file is held at a time. Files that the
 * organization refuses, and those beyond the first hundred, stay in the raw message.
 */
export const keepFiles = async (
  content: ContentStore,
  organization: Organization,
  emailId: string,
  receivedAt: Date,
  files: readonly ReceivedFile[],
): Promise<KeptFiles> => {
  const attachments: Attachment[] = [];
  const leftOut: LeftOutFile[] = [];
  for (const [index, file] of files.entries()) {
    if (index >= mostFiles && leftOut.length >= shownRefusals) break;
    const { fileName } = file;
    const bytes = file.content();
    const code = index < mostFiles ? refusalOf(organization, file, bytes.length) : 'tooManyAttachments';
    if (code !== undefined) {
      leftOut.push({ fileName, sizeBytes: bytes.length, code });
      continue;
    }
    const id = deriveIdentifier('att', receivedAt.getTime(), `${emailId}#${index}`);
    const storageKey = `${emailContentPrefix(organization.id, emailId)}attachments/${id}`;
    await content.put(storageKey, bytes, file.contentType);
    attachments.push({
      id,
      fileName: file.fileName,
      contentType: file.contentType,
      sizeBytes: bytes.length,
      ...(file.contentId === undefined ? {} : { contentId: file.contentId }),
      state: 'ready',
      storageKey,
    });
  }
  return { attachments, leftOut: leftOut.slice(0, shownRefusals) };
};
