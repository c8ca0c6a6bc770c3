import { emailKind } from '../email/email.ts';
import type { StoredItem } from '../platform/records-table.ts';
import { decisionKind } from './decision.ts';
import { decisionIdOf } from './decision-writes.ts';
import type { MailboxMessage } from './mailbox-message.ts';
import type { TrackingContext } from './tracking-run.ts';

/**
 * A message without Message-ID, for which the decision about another one stands: nothing in their headers tells the two
 * apart, only their content. It gets a decision of its own, the same again whenever this content comes. The decision of
 * an email that is gone is free to be taken.
 *
 * @param standing the decision that stands in its place, as an item of the table
 */
export const tellApart = async (
  { store, organization, mailbox }: Pick<TrackingContext, 'store' | 'organization' | 'mailbox'>,
  message: MailboxMessage,
  identity: string,
  standing: StoredItem,
): Promise<{ readonly message: MailboxMessage; readonly goneEmailId?: string }> => {
  const { emailId } = decisionKind.parse(standing['entity']);
  if (emailId === null) return { message };
  if ((await store.get(emailKind, organization.id, emailId)) === undefined) return { message, goneEmailId: emailId };
  const twin = { ...message, previous: undefined, twin: identity };
  const previous = await store.get(decisionKind, organization.id, decisionIdOf(mailbox.id, twin));
  return { message: { ...twin, previous } };
};
