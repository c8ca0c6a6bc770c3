import * as z from 'zod';
import { filteringSchema } from '../../owner/owner.ts';
import { seconds } from './seconds.ts';

export const tracking = z.object({
  defaultFiltering: filteringSchema.default('responses').meta({
    description: 'Which mail becomes a record, for users who chose nothing.',
    dynamics365Name: 'incomingemailfilteringmethod',
  }),
  forceFiltering: filteringSchema.nullable().default(null).meta({
    description: 'Overrides the choice of every user mailbox.',
    dynamics365Name: 'SSSForceFilteringMethodForUserMailboxes',
  }),
  responsesAlways: z.boolean().default(false).meta({
    description: 'Answers to tracked email are tracked whatever the filtering method, except none.',
  }),
  sentItems: z.boolean().default(false).meta({
    description: 'Mail in the Sent folder is looked at, too.',
    dynamics365Name: 'AutoTrackSentFolderItems',
  }),
  category: z
    .object({
      enabled: z.boolean().default(false).meta({
        description:
          'Tracked messages get a keyword in the mailbox; putting it on a message tracks it, taking it off untracks it.',
        dynamics365Name: 'Tracked to Dynamics 365 (category)',
      }),
      name: z
        .string()
        .regex(/^[A-Za-z0-9][A-Za-z0-9 _.$&+:-]{0,59}$/, 'letters, digits, blanks and _ . $ & + : - only')
        .default('Tracked to CRM')
        .meta({ description: 'The name of the category; blanks become _ in the keyword.' }),
    })
    .prefault({}),
  folders: z
    .object({
      enabled: z.boolean().default(true).meta({
        description: 'Mail in folders with a rule is tracked.',
        dynamics365Name: 'Folder-level tracking',
      }),
      maxPerMailbox: z.int().min(0).max(25).default(25).meta({
        description: 'Folder rules that a mailbox may have.',
        dynamics365Name: 'maxfolderbasedtrackingmappings',
      }),
    })
    .prefault({}),
  maxMessageBytes: z.int().min(65_536).max(157_286_400).default(52_428_800).meta({
    description: 'Larger messages are skipped with a decision.',
    dynamics365Name: 'IncomingEmailMaximumSizeLimit',
  }),
  restrictProtected: z.boolean().default(false).meta({
    description: 'Rights-protected messages are skipped.',
    dynamics365Name: 'RestrictIRMEmailItems',
  }),
  onlySynchronizingMailboxDecides: z.boolean().default(false).meta({
    description: 'Only the owner of the mailbox that is read decides, not every recipient.',
    dynamics365Name: 'UseFilteringMethodOfSyncingMailboxOnlyForCorrelation',
  }),
  adminsSeeSubjects: z.boolean().default(false).meta({
    description: 'Administrators see the subjects of skipped mail of others.',
  }),
  retry: z
    .object({
      attempts: z.int().min(0).max(100).default(5).meta({
        description: 'How often an email that the CRM refused is offered again before it is given up.',
      }),
      seconds: seconds(5, 86_400, 900, 'Seconds from a refusal to the next offer.'),
    })
    .prefault({}),
  decisionRetentionDays: z.int().min(1).max(365).default(30).meta({
    description: 'Days that the decisions about messages are kept.',
    dynamics365Name: 'ExchangeSyncIdMappingPersistenceTimeInDays',
  }),
});

export const correlation = z.object({
  inReplyTo: z.boolean().default(true).meta({
    description: 'An In-Reply-To header that names a tracked email makes the message an answer to it.',
    dynamics365Name: 'IgnoreConversationIndexAndInReplyToForCorrelation (reversed)',
  }),
  token: z
    .object({
      enabled: z.boolean().default(true).meta({ description: 'A token is put at the end of the subject.' }),
      prefix: z
        .string()
        .min(1)
        .max(20)
        .regex(/^[^\s\d](?:[^\s]*[^\s\d])?$/, 'no blanks, and no digit at its end')
        .default('CRM:')
        .meta({ description: 'What the token starts with.', dynamics365Name: 'trackingprefix' }),
      baseNumber: z.int().min(0).max(2_147_483_647).default(0).meta({
        description: 'Added to the number of the user.',
        dynamics365Name: 'trackingtokenidbase',
      }),
      userDigits: z.int().min(1).max(10).default(3).meta({
        description: 'Digits of the user number.',
        dynamics365Name: 'trackingtokeniddigits',
      }),
      counterDigits: z.int().min(1).max(9).default(3).meta({
        description: 'Digits of the message counter, which starts again at 0 when it is full.',
      }),
    })
    .prefault({}),
  conversationIndex: z.boolean().default(true).meta({
    description: 'A Thread-Index header of the conversation of a tracked email makes the message an answer to it.',
    dynamics365Name: 'IgnoreConversationIndexAndInReplyToForCorrelation (reversed)',
  }),
  smartMatching: z
    .object({
      enabled: z.boolean().default(false).meta({
        description:
          'A message answers the email of the last 90 days with the same words in the subject and the same addresses; of emails stored from then on.',
        dynamics365Name: 'DisableSmartMatching (reversed)',
      }),
      maxWords: z.int().min(1).max(50).default(20).meta({
        description: 'Words of a subject, and addresses of a message, that are looked at.',
        dynamics365Name: 'HashMaxCount',
      }),
      deltaWords: z.int().min(0).max(10).default(0).meta({
        description: 'Words that one of the two subjects may have more.',
        dynamics365Name: 'HashDeltaSubjectCount',
      }),
      minAddresses: z.int().min(1).max(20).default(2).meta({
        description: 'Addresses that both must have.',
        dynamics365Name: 'HashMinAddressCount',
      }),
    })
    .prefault({}),
  forwardsAreReplies: z.boolean().default(true).meta({
    description: 'A forwarded message counts as an answer when it names the tracked email.',
    dynamics365Name: 'DoNotCorrelateForwardedEmailsAsReplies (reversed)',
  }),
  maxSubjectLength: z.int().min(255).max(400).default(255).meta({
    description: 'The subject is cut so that it and the token fit.',
    dynamics365Name: 'MaximumSubjectLengthOnMailServer',
  }),
});
