import * as z from 'zod';
import { seconds } from './seconds.ts';

/** Extensions of files that are refused in both directions unless the organization says otherwise. */
const defaultBlockedExtensions = (
  'ade adp app asa ashx asmx asp bas bat cdx cer chm class cmd com config cpl crt csh dll exe fxp hlp hta htr htw ' +
  'ida idc idq inf ins isp its jar js jse ksh lnk mad maf mag mam maq mar mas mat mau mav maw mda mdb mde mdt mdw ' +
  'mdz msc msh msh1 msh1xml msh2 msh2xml mshxml msi msp mst ops pcd pif prf prg printer pst reg rem scf scr sct ' +
  'shb shs shtm shtml soap stm svg tmp url vb vbe vbs vsmacros vss vst vsw ws wsc wsf wsh'
).split(' ');

export const attachments = z.object({
  maxBytes: z.int().min(1).max(33_554_432).default(5_242_880).meta({
    description: 'The largest attachment, in bytes.',
    dynamics365Name: 'maxuploadfilesize',
  }),
  blockedExtensions: z
    .array(z.string().regex(/^[a-z0-9]{1,20}$/))
    .max(500)
    .default(defaultBlockedExtensions)
    .meta({
      description: 'Files with these extensions are refused.',
      dynamics365Name: 'blockedattachments',
    }),
});

export const outgoing = z.object({
  saveToSentItems: z.boolean().default(true).meta({
    description: 'A copy of sent mail is filed in the Sent folder of the mailbox.',
    dynamics365Name: 'SSSSaveOutgoingEmailToExchangeSentFolder',
  }),
  onUnconfirmed: z.enum(['hold', 'resend']).default('hold').meta({
    description: 'What happens to an email whose delivery is not known: a person decides, or it is sent again.',
  }),
  allowUnresolvedRecipients: z.boolean().default(false).meta({
    description: 'Email may go to addresses that no record has.',
    dynamics365Name: 'AllowUnresolvedPartiesOnEmailSend',
  }),
  undoSeconds: z.int().min(0).max(3600).default(0).meta({
    description: 'Seconds that a Send waits, so that it can be cancelled.',
  }),
  retry: z
    .object({
      attempts: z.int().min(1).max(100).default(10).meta({ description: 'Attempts in all before a Send has failed.' }),
      seconds: seconds(5, 86_400, 300, 'Seconds between two attempts.'),
    })
    .prefault({}),
  sandboxAllow: z.array(z.string().max(320)).max(500).default([]).meta({
    description: 'Where a sandbox may send: addresses, @domain, or * for everywhere.',
  }),
});
