import * as z from 'zod';
import { recordPointerSchema } from '../email/email-input.ts';

const fields = {
  folderId: z.string().min(1).max(1000).meta({ description: 'As GET /mailboxes/{id}/folders names it.' }),
  regarding: recordPointerSchema.nullable().meta({ description: 'What the mail in the folder regards.' }),
  reassert: z.boolean().meta({
    description: 'Sets regarding in each cycle again, over what people changed, while the mail is in the folder.',
  }),
};

export const folderRuleInputSchema = z
  .strictObject({
    folderId: fields.folderId,
    regarding: fields.regarding.optional(),
    reassert: fields.reassert.optional(),
  })
  .meta({ id: 'FolderRuleInput' });
export type FolderRuleInput = z.output<typeof folderRuleInputSchema>;

/** null resets a field to its default. */
export const folderRulePatchSchema = z
  .strictObject({ ...fields, reassert: fields.reassert.nullable() })
  .partial()
  .meta({ id: 'FolderRulePatch' });
export type FolderRulePatch = z.output<typeof folderRulePatchSchema>;
