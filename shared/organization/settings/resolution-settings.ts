import * as z from 'zod';

export const resolution = z.object({
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

export const autoCreate = z.object({
  enabled: z.boolean().default(true).meta({
    description: 'An unknown sender of tracked mail becomes a record, where the owner wants it.',
    dynamics365Name: 'AutoCreateContactOnPromote',
  }),
  recordType: z.enum(['contact', 'lead']).default('contact').meta({ description: 'The type of such a record.' }),
});

export const internalMail = z.object({
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

export const queueItems = z.object({
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
