import * as z from 'zod';
import { addressSchema } from '../platform/address.ts';
import { instantSchema } from '../platform/values.ts';

const modeSchema = z.enum(['active', 'observe']).nullable().meta({
  description: 'observe: decide and log, but write neither records nor mailbox.',
});

/** What a PATCH may change on a mailbox; null resets a field to its default. */
export const mailboxPatchSchema = z
  .strictObject({
    emailAddress: addressSchema.nullable().meta({
      description: 'The address of the mailbox and of its owner; changing one changes both.',
    }),
    confirmTakeoverFrom: z.string().max(250).meta({
      description: 'The mailbox that is to lose the address, if it still has it.',
      writeOnly: true,
    }),
    serverProfileId: z.string().max(250).nullable(),
    processEmailFrom: instantSchema.nullable(),
    deleteAfterProcessing: z.boolean().nullable().meta({
      description:
        'Deletes mail on the server once its email is stored. Mailboxes of queues and forward mailboxes only.',
    }),
    credentials: z
      .strictObject({
        username: z.string().min(1).max(250).nullable(),
        password: z.string().min(1).max(1000).nullable().meta({ writeOnly: true }),
      })
      .partial()
      .nullable(),
    workloads: z
      .strictObject({
        incoming: z
          .strictObject({
            method: z.enum(['serverSideSync', 'client', 'forward', 'none']).nullable(),
            mode: modeSchema,
          })
          .partial()
          .nullable(),
        outgoing: z
          .strictObject({ method: z.enum(['serverSideSync', 'client', 'none']).nullable() })
          .partial()
          .nullable(),
        act: z
          .strictObject({ method: z.enum(['serverSideSync', 'client', 'none']).nullable(), mode: modeSchema })
          .partial()
          .nullable(),
      })
      .partial()
      .nullable(),
  })
  .partial();
export type MailboxPatch = z.output<typeof mailboxPatchSchema>;

/** Workloads that an action is asked for. ACT has no lane here and is refused by the action. */
export const workloadListSchema = z
  .array(z.enum(['incoming', 'outgoing', 'act']))
  .min(1)
  .max(3);

/** What test-and-enable may be asked for. */
export const testRequestSchema = z.strictObject({
  workloads: workloadListSchema.optional().meta({ description: 'All whose method is serverSideSync, unless named.' }),
  enable: z.boolean().default(true),
  sendTestMessage: z.boolean().default(true),
  confirmTakeoverFrom: z.string().max(250).optional().meta({
    description: 'The mailbox that may lose its login to this one.',
  }),
});
export type TestRequest = z.output<typeof testRequestSchema>;
