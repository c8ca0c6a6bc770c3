import * as z from 'zod';
import { referenceSchema } from '../platform/values.ts';

/** Mail in a folder of a mailbox is tracked. Rules stand in the mailbox itself, which every cycle reads anyway. */
export const folderRuleSchema = z.object({
  id: z.string(),
  version: z.int().positive(),
  createdAt: z.string(),
  updatedAt: z.string(),
  /** As the list of folders names it. */
  folderId: z.string(),
  /** What stays the same when the folder gets another name; null where the server has no such thing. */
  folderIdentity: z.string().nullable(),
  /** Of the Sent folder: outgoing. */
  direction: z.enum(['incoming', 'outgoing']).optional(),
  regarding: referenceSchema.nullable(),
  reassert: z.boolean(),
  /** broken: the server has no such folder any more. */
  status: z.enum(['active', 'broken']),
});
export type FolderRule = z.output<typeof folderRuleSchema>;

export const folderRuleAnswerSchema = folderRuleSchema
  .omit({ folderIdentity: true, direction: true })
  .meta({ id: 'FolderRule' });

export const presentFolderRule = ({
  folderIdentity: _folderIdentity,
  direction: _direction,
  ...shown
}: FolderRule): z.output<typeof folderRuleAnswerSchema> => shown;
