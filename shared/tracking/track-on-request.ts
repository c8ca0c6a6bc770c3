import { forgetDeletedEmail } from './forget-deleted-email.ts';
import { contentIdentity, identityOf, type MailboxMessage } from './mailbox-message.ts';
import type { ManualTracking } from './manual-tracking.ts';
import { type ReplayOutcome, replayMessage } from './replay-message.ts';
import type { TrackingContext } from './tracking-run.ts';

/**
 * Tracks a message because somebody asks for it: whatever the filters say, whenever it came, also when its email was
 * untracked or deleted. May be repeated: the email exists once.
 *
 * @throws ItemError when the message itself cannot be worked with
 */
export const trackOnRequest = async (
  context: TrackingContext,
  message: MailboxMessage & { readonly manual: ManualTracking },
  raw: Buffer,
): Promise<ReplayOutcome> => {
  const identity = identityOf(message.headers) ?? contentIdentity(message.headers, raw);
  await forgetDeletedEmail(context, message.direction, identity);
  return replayMessage(context, message, raw);
};
