import { clearAlert, raiseAlert } from '../alert/raise-alert.ts';
import type { FolderCursor } from '../cycle/cycle.ts';
import { createFault } from '../platform/fault.ts';
import type { TrackedFolder } from './fetch-window.ts';
import type { FolderOutcome } from './read-folder.ts';
import { isRefusedFolder } from './refused-folder.ts';
import type { TrackingRun } from './tracking-run.ts';

/**
 * Reads what is new in the Sent folder. Where the server refuses that folder, while it opens the Inbox, its owner is told
 * and the run goes on: received mail and the folders of rules must not wait for it. Its cursor stays where it was, so that
 * nothing is lost once it is opened again.
 *
 * @param before the folder's cursor as it stood when the run began
 * @throws as readFolder
 */
export const readSentFolder = async (
  { store, organization, mailbox, session, now }: TrackingRun,
  folder: TrackedFolder,
  before: FolderCursor | undefined,
  read: (folder: TrackedFolder) => Promise<FolderOutcome>,
): Promise<void> => {
  try {
    const { cursor } = await read(folder);
    // Asked only where something came of it: a cycle that finds nothing new reads no table.
    if (cursor !== before) await clearAlert(store, organization.id, 'folderRefused', mailbox.id, { now: now() });
  } catch (error) {
    if (!isRefusedFolder(error)) throw error;
    await session.status('INBOX');
    await raiseAlert(store, {
      organizationId: organization.id,
      level: 'warning',
      scope: 'mailbox',
      fault: createFault('folderRefused', { detail: `${folder.path}: ${error.fault.detail}` }),
      subject: { type: 'mailbox', id: mailbox.id },
      mailboxId: mailbox.id,
      now: now(),
    });
  }
};
