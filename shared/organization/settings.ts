import * as z from 'zod';
import { isReturnUrl } from '../oauth/return-url.ts';
import { filteringSchema } from '../owner/owner.ts';

const seconds = (floor: number, ceiling: number, value: number, description: string) =>
  z.int().min(1).max(ceiling).default(value).meta({ description, productionMinimum: floor });

/** Extensions of files that are refused in both directions unless the organization says otherwise. */
export const defaultBlockedExtensions = (
  'ade adp app asa ashx asmx asp bas bat cdx cer chm class cmd com config cpl crt csh dll exe fxp hlp hta htr htw ' +
  'ida idc idq inf ins isp its jar js jse ksh lnk mad maf mag mam maq mar mas mat mau mav maw mda mdb mde mdt mdw ' +
  'mdz msc msh msh1 msh1xml msh2 msh2xml mshxml msi msp mst ops pcd pif prf prg printer pst reg rem scf scr sct ' +
  'shb shs shtm shtml soap stm svg tmp url vb vbe vbs vsmacros vss vst vsw ws wsc wsf wsh'
).split(' ');

const processing = z.object({
  channel: z.enum(['serverSideSync', 'emailRouter']).default('serverSideSync').meta({
    description: 'Who moves the email of the organization; emailRouter stops every email workload here.',
    dynamics365Name: 'emailconnectionchannel',
  }),
});

const approval = z.object({
  requireForUsers: z.boolean().default(true).meta({
    description: 'Mailboxes of users synchronize only once an administrator approved their address.',
    dynamics365Name: 'requireapprovalforuseremail',
  }),
  requireForQueues: z.boolean().default(true).meta({
    description: 'Mailboxes of queues synchronize only once an administrator approved their address.',
    dynamics365Name: 'requireapprovalforqueueemail',
  }),
  selfApproveNeedsAdmin: z.boolean().default(false).meta({
    description: 'Users do not approve the address of their own mailbox in a session.',
    dynamics365Name: 'RequirePrivilegeToSelfApproveEmailAddress',
  }),
});

const workloadMethod = z.enum(['serverSideSync', 'client', 'none']);

const newMailboxes = z.object({
  serverProfileId: z.string().nullable().default(null).meta({
    description: 'The server profile that a new mailbox gets.',
    dynamics365Name: 'defaultemailserverprofileid',
  }),
  incoming: workloadMethod.default('none').meta({
    description: 'The method for incoming email that a new mailbox gets.',
    dynamics365Name: 'incomingemaildeliverymethod',
  }),
  outgoing: workloadMethod.default('none').meta({
    description: 'The method for outgoing email that a new mailbox gets.',
    dynamics365Name: 'outgoingemaildeliverymethod',
  }),
});

const tracking = z.object({
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

const correlation = z.object({
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

const resolution = z.object({
  unresolvedIfAmbiguousSender: z.boolean().default(false).meta({
    description: 'A sender whom several records claim stays unresolved.',
    dynamics365Name: 'UnresolveSenderInCaseOfMultipleMatch',
  }),
  unresolvedIfAmbiguousRecipient: z.boolean().default(false).meta({
    description: 'A recipient whom several records claim stays unresolved.',
    dynamics365Name: 'Set To,cc,bcc fields as unresolved if multiple matches are found',
  }),
  senderMatchCap: z.int().min(1).max(1000).default(100).meta({
    description: 'More records than this with one address leave the sender unresolved.',
  }),
  inactiveRecords: z.boolean().default(false).meta({
    description: 'Inactive records resolve, too, when several have the address.',
    dynamics365Name: 'ResolveForInactiveEntities',
  }),
});

const autoCreate = z.object({
  enabled: z.boolean().default(true).meta({
    description: 'An unknown sender of tracked mail becomes a record, where the owner wants it.',
    dynamics365Name: 'AutoCreateContactOnPromote',
  }),
  recordType: z.enum(['contact', 'lead']).default('contact').meta({ description: 'The type of such a record.' }),
});

const internalMail = z.object({
  twoActivities: z.boolean().default(true).meta({
    description: 'Mail between two users gives one sent and one received email.',
    dynamics365Name: 'Track emails sent between Dynamics 365 users as two activities',
  }),
  toQueues: z.boolean().default(true).meta({
    description: 'Without twoActivities: mail of a user to a queue still gives a received email, too.',
    dynamics365Name: 'DoNotIgnoreInternalEmailToQueues',
  }),
  fromQueues: z.boolean().default(true).meta({
    description: 'Without twoActivities: mail of a queue to a user still gives a received email, too.',
    dynamics365Name: 'IgnoreInternalEmailFromQueues (reversed)',
  }),
});

const queueItems = z.object({
  forAcceptingQueues: z.boolean().default(true).meta({
    description: 'A queue item for each queue among the recipients.',
    dynamics365Name: 'CreateQueueItemsForAcceptingQueueRecipients',
  }),
  forSynchronizingMailbox: z.boolean().default(true).meta({
    description: 'A queue item for the queue whose mailbox received the message (Bcc, lists).',
    dynamics365Name: 'CreateQueueItemForSynchronizingMailbox',
  }),
  forAlreadyTracked: z.boolean().default(false).meta({
    description: 'A further queue item when the mailbox of another queue sees a tracked message.',
    dynamics365Name: 'SSSCreateAdditionalQueueItemsForAlreadyTrackedEmail',
  }),
});

const attachments = z.object({
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

const outgoing = z.object({
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

const schedule = z.object({
  retry: z
    .object({
      attempts: z.int().min(1).max(100).default(10).meta({
        description: 'Failed cycles in a row before a workload is disabled.',
      }),
      seconds: seconds(5, 86_400, 300, 'Seconds from a failed cycle to the next.'),
    })
    .prefault({}),
  incoming: z
    .object({
      policy: z.enum(['current', 'adaptive2018', 'idle2013']).default('current').meta({
        description:
          'current: a fixed interval. adaptive2018: 2 to 12 minutes by activity. idle2013: 15 minutes, longer when idle.',
      }),
      seconds: seconds(60, 86_400, 300, 'Seconds from the end of a cycle to the next, with the policy current.'),
    })
    .prefault({}),
  jitterPercent: z.int().min(0).max(100).default(10).meta({
    description: 'Up to this share is added to each interval, so that mailboxes spread out.',
  }),
});

const recovery = z.object({
  enabled: z.boolean().default(true).meta({
    description: 'A workload that errors disabled is probed and comes back by itself.',
  }),
  probeSeconds: seconds(60, 604_800, 3600, 'Seconds between two probes.'),
});

const alertLevels = z.enum(['information', 'warning', 'error']);

const alerts = z.object({
  userLevels: z.array(alertLevels).max(3).default(['error', 'information']).meta({
    description: 'The levels of alerts that users see of their own mailbox; administrators see all.',
    dynamics365Name: 'Configure alerts: error, warning and information',
  }),
  retentionDays: z.int().min(1).max(3650).default(30).meta({
    description: 'Days that alerts are kept.',
    dynamics365Name: 'TraceLogPersistenceTimeInDays',
  }),
});

const retention = z.object({
  deadLetterDays: z.int().min(1).max(3650).default(90).meta({ description: 'Days that dead letters are kept.' }),
});

const feed = z.object({
  retentionDays: z.int().min(1).max(365).default(30).meta({
    description: 'Days that the change feed reaches back.',
    dynamics365Name: 'ExpireChangeTrackingInDays',
  }),
});

const webhooks = z.object({
  retry: z
    .object({
      maxSeconds: seconds(
        86_400,
        86_400,
        86_400,
        'Longest wait between two attempts to deliver an event to a webhook.',
      ),
    })
    .prefault({}),
});

const oauth = z.object({
  allowedReturnUrls: z
    .array(z.string().max(2000).refine(isReturnUrl, 'an https URL without user and fragment, or http on this machine'))
    .max(50)
    .default([])
    .meta({
      description: 'Where browsers may be sent after a sign-in: these addresses, and what lies below their paths.',
    }),
});

/**
 * The settings of an organization: the one source of their types, ranges, defaults and texts. `dynamics365Name` tells
 * where a rule is known from; `productionMinimum` is the floor outside a sandbox, for durations in seconds.
 */
export const settingsSchema = z.object({
  processing: processing.prefault({}),
  approval: approval.prefault({}),
  newMailboxes: newMailboxes.prefault({}),
  tracking: tracking.prefault({}),
  correlation: correlation.prefault({}),
  resolution: resolution.prefault({}),
  autoCreate: autoCreate.prefault({}),
  internalMail: internalMail.prefault({}),
  queueItems: queueItems.prefault({}),
  attachments: attachments.prefault({}),
  outgoing: outgoing.prefault({}),
  schedule: schedule.prefault({}),
  recovery: recovery.prefault({}),
  alerts: alerts.prefault({}),
  retention: retention.prefault({}),
  feed: feed.prefault({}),
  webhooks: webhooks.prefault({}),
  oauth: oauth.prefault({}),
});
export type Settings = z.output<typeof settingsSchema>;
