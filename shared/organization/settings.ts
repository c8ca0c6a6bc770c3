import * as z from 'zod';
import { isReturnUrl } from '../oauth/return-url.ts';
import { access } from './settings/access-settings.ts';
import { limits } from './settings/limit-settings.ts';
import { autoCreate, internalMail, queueItems, resolution } from './settings/resolution-settings.ts';
import { recovery, schedule } from './settings/schedule-settings.ts';
import { seconds } from './settings/seconds.ts';
import { attachments, outgoing } from './settings/sending-settings.ts';
import { correlation, tracking } from './settings/tracking-settings.ts';

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
  access: access.prefault({}),
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
  limits: limits.prefault({}),
  alerts: alerts.prefault({}),
  retention: retention.prefault({}),
  feed: feed.prefault({}),
  webhooks: webhooks.prefault({}),
  oauth: oauth.prefault({}),
});
export type Settings = z.output<typeof settingsSchema>;
