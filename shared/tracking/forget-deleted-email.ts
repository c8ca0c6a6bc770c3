import { emailKind } from '../email/email.ts';
import { messageKey } from '../email/message-identity.ts';
import { WriteConditionError } from '../platform/records-table.ts';
import type { MailboxMessage } from './mailbox-message.ts';
import type { TrackingContext } from './tracking-run.ts';

/**
 * What marks a message as known outlives its email, so that a deleted email does not come back by itself. When somebody
 * asks for the message it is forgotten.
 */
export const forgetDeletedEmail = async (
  { store, organization, lookups }: Pick<TrackingContext, 'store' | 'organization' | 'lookups'>,
  direction: MailboxMessage['direction'],
  identity: string,
): Promise<void> => {
  const emailId = await lookups.trackedEmail(direction, identity);
  if (emailId === undefined) return;
  if ((await store.get(emailKind, organization.id, emailId)) !== undefined) return;
  const key = messageKey(organization.id, direction, identity);
  try {
    await store.table.write([
      { remove: key, condition: { expression: 'emailId = :gone', values: { ':gone': emailId } } },
    ]);
  } catch (error) {
    if (!(error instanceof WriteConditionError)) throw error;
  }
};
