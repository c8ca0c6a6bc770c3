import * as z from 'zod';
import { seconds } from './seconds.ts';

/** What one mailbox may take before the others get their turn. Nothing that meets a limit is lost: it waits, and says so. */
export const limits = z.object({
  cycle: z
    .object({
      maxMessages: z.int().min(1).max(1_000_000).default(10_000).meta({
        description:
          'Messages that one cycle of a mailbox decides about, in whole windows of up to 100; the rest goes on at once, behind other mailboxes. Of Sends it is 50 at the most.',
        dynamics365Name: 'IncomingMaximumEmailsPerCycle',
      }),
      maxBytes: z.int().min(1_024).max(1_099_511_627_776).default(1_073_741_824).meta({
        description:
          'Bytes of messages that one cycle of a mailbox takes; the rest goes on at once, behind other mailboxes. One message is always taken.',
      }),
      maxSeconds: seconds(
        10,
        870,
        870,
        'Longest that one cycle works before the rest goes on behind other mailboxes; the time-out of the lane comes first, 120 s unless the deployment has another, and for Sends 30 s.',
      ),
    })
    .prefault({}),
  slicesPerHour: z.int().min(1).max(3_600).default(600).meta({
    description:
      'Cycles in a row with more work than they could do, in an hour; then the mailbox waits until the hour is over.',
  }),
  timeoutSeconds: z.int().min(1).max(100).default(100).meta({
    description:
      'Longest that any mail server is waited for; timeoutSeconds of a server profile counts where it is less.',
    dynamics365Name: 'timeoutmailboxconnectionafteramount',
  }),
});
