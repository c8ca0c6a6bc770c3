import { recordKey } from '../platform/records-table.ts';
import { type Decision, decisionKind } from './decision.ts';
import { decisionIdOf } from './decision-writes.ts';
import { findDecision } from './find-decision.ts';
import type { MailboxMessage } from './mailbox-message.ts';
import type { TrackingContext } from './tracking-run.ts';

/**
 * The decision about a message that stood in whatever folder of the mailbox: the server keeps the instant at which it
 * received a message when that is moved, and decisions sort by it.
 *
 * @param marginMilliseconds where the instant is not known exactly
 */
export const findFormerDecision = async (
  { store, organization, mailbox }: Pick<TrackingContext, 'store' | 'organization' | 'mailbox'>,
  message: MailboxMessage,
  marginMilliseconds = 0,
): Promise<Decision | undefined> => {
  const own = await store.get(decisionKind, organization.id, decisionIdOf(mailbox.id, message));
  const { messageId } = message.headers;
  if (own !== undefined || messageId === null) return own;
  const received = message.receivedAt.getTime();
  const around = { from: received - marginMilliseconds, to: received + marginMilliseconds };
  return findDecision(store, organization.id, mailbox.id, around, (decision) => decision.messageId === messageId);
};

/**
 * The messages with the decisions that stand about them, also when they stood in one of the other folders then: one
 * read for a hundred messages and each folder.
 */
export const withFormerDecisions = async (
  { store, organization, mailbox }: Pick<TrackingContext, 'store' | 'organization' | 'mailbox'>,
  messages: readonly MailboxMessage[],
  otherFolders: readonly string[],
): Promise<readonly MailboxMessage[]> => {
  const found = new Map<number, Decision>();
  for (const folder of [undefined, ...otherFolders]) {
    const asked = new Map(
      messages
        .filter((message) => !found.has(message.uid) && message.folder !== folder)
        .map((message) => [decisionIdOf(mailbox.id, folder === undefined ? message : { ...message, folder }), message]),
    );
    if (asked.size === 0) continue;
    const items = await store.table.getMany(
      [...asked.keys()].map((id) => recordKey(organization.id, decisionKind.kind, id)),
    );
    for (const item of items) {
      const decision = decisionKind.parse(item['entity']);
      const message = asked.get(decision.id);
      if (message !== undefined) found.set(message.uid, decision);
    }
  }
  return messages.map((message) => ({ ...message, previous: found.get(message.uid) }));
};
