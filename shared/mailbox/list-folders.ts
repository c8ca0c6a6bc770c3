import * as z from 'zod';
import type { MailFolder } from '../transport/mailbox-session.ts';
import { type VisitContext, visitMailbox } from './visit-mailbox.ts';

export const folderSchema = z
  .object({
    id: z.string(),
    path: z.string(),
    role: z.enum(['inbox', 'sent', 'drafts', 'trash', 'junk', 'archive', 'all', 'flagged']).nullable(),
  })
  .meta({ id: 'Folder' });

/**
 * The folders of a mailbox as its server lists them now.
 *
 * @throws FaultError as visitMailbox
 */
export const listFolders = (context: VisitContext, mailboxId: string): Promise<readonly MailFolder[]> =>
  visitMailbox(context, mailboxId, (session) => session.listFolders());
