import { requireAllowedName } from '../email/attachments.ts';
import type { Attachment } from '../email/email.ts';
import { emailContentPrefix } from '../email/email-body.ts';
import type { ReceivedFile } from '../email/mime/read-message.ts';
import type { Organization } from '../organization/organization.ts';
import type { ContentStore } from '../platform/content-store.ts';
import { FaultError } from '../platform/fault.ts';
import { deriveIdentifier } from '../platform/identifier.ts';
import { showBytes } from './early-steps.ts';

export interface KeptFiles {
  readonly attachments: readonly Attachment[];
  /** Why files stand in the raw message only, for people to read. */
  readonly leftOut: readonly string[];
}

const mostFiles = 100;
const shownRefusals = 10;

const refusalOf = (organization: Organization, { fileName }: ReceivedFile, sizeBytes: number): string | undefined => {
  const { maxBytes } = organization.settings.attachments;
  if (sizeBytes > maxBytes) return `${fileName} (${showBytes(sizeBytes)}; the limit is ${showBytes(maxBytes)})`;
  try {
    requireAllowedName(organization, fileName);
    return undefined;
  } catch (error) {
    if (!(error instanceof FaultError)) throw error;
    return `${fileName} (${error.fault.detail})`;
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
  const leftOut = files.length > mostFiles ? [`${files.length - mostFiles} further files`] : [];
  for (const [index, file] of files.slice(0, mostFiles).entries()) {
    const bytes = file.content();
    const refusal = refusalOf(organization, file, bytes.length);
    if (refusal !== undefined) {
      leftOut.push(refusal);
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
