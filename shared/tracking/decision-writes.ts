import type { Mailbox } from '../mailbox/mailbox.ts';
import type { Organization } from '../organization/organization.ts';
import type { EntityStore } from '../platform/entity-store.ts';
import type { FaultCode } from '../platform/fault-catalogue.ts';
import { deriveIdentifier } from '../platform/identifier.ts';
import { type RecordWrite, WriteConditionError } from '../platform/records-table.ts';
import { type Decision, type DecisionStep, decisionExpiry, decisionKind, historyAfter } from './decision.ts';
import { derivedOnce, type MailboxMessage, seedOf } from './mailbox-message.ts';

export interface DecisionOutcome {
  readonly outcome: Decision['outcome'];
  readonly code: FaultCode | null;
  readonly emailId: string | null;
  readonly steps: readonly DecisionStep[];
  /** The email that was tracked by the decision before, and is no more. */
  readonly goneEmailId?: string | undefined;
}

/**
 * One decision per mailbox and message: the same again when the message is read again, even under another UID, and the
 * one that is known of it when it has moved to another folder.
 */
export const decisionIdOf = derivedOnce((mailboxId, message) => {
  const { previous, receivedAt, twin } = message;
  if (previous !== undefined) return previous.id;
  const seed = seedOf(mailboxId, message);
  return deriveIdentifier('dec', receivedAt.getTime(), twin === undefined ? seed : `${seed}#${twin}`);
});

/**
 * The write that notes a decision. That a message was tracked is final: a second copy of it in the mailbox, or reading
 * it again, does not change that. Without a Message-ID it may have been another message that looks the same: then the
 * write is refused, and the message needs a decision of its own.
 */
export const decisionWrite = (
  store: EntityStore,
  organization: Organization,
  mailbox: Pick<Mailbox, 'id'>,
  message: MailboxMessage,
  decided: DecisionOutcome,
  now: Date,
): RecordWrite => {
  const at = now.toISOString();
  const decision: Decision = {
    id: decisionIdOf(mailbox.id, message),
    version: 1,
    createdAt: at,
    updatedAt: at,
    mailboxId: mailbox.id,
    folder: message.folder,
    uidValidity: message.uidValidity,
    uid: message.uid,
    ...(message.uidl === undefined ? {} : { uidl: message.uidl }),
    messageId: message.headers.messageId,
    fromAddress: message.headers.from?.address ?? null,
    subject: message.headers.subject,
    receivedAt: message.receivedAt.toISOString(),
    decidedAt: at,
    outcome: decided.outcome,
    code: decided.code,
    emailId: decided.emailId,
    ...(message.reportsOn === undefined || message.reportsOn.length === 0 ? {} : { reportsOn: [...message.reportsOn] }),
    settingsVersion: organization.settingsVersion,
    steps: [...decided.steps],
    ...(message.previous === undefined ? {} : { history: historyAfter(message.previous) }),
  };
  const expiresAt = decisionExpiry(decision, organization.settings.tracking.decisionRetentionDays);
  const [write] = store.writesOf(decisionKind, organization.id, undefined, decision, { expiresAt });
  if (write === undefined || !('put' in write)) throw new Error('A decision is one item');
  if (decided.outcome === 'tracked' && (message.headers.messageId !== null || message.twin !== undefined))
    return { put: write.put };
  if (decided.outcome === 'tracked')
    return {
      put: write.put,
      condition: {
        // One without an email was made while the mailbox was only observed.
        expression:
          'attribute_not_exists(pk) OR entity.outcome <> :tracked OR attribute_type(entity.emailId, :null) ' +
          'OR entity.emailId IN (:email, :gone)',
        values: {
          ':null': 'NULL',
          ':tracked': 'tracked',
          ':email': decided.emailId,
          ':gone': decided.goneEmailId ?? decided.emailId,
        },
      },
    };
  return {
    put: write.put,
    condition: {
      expression: 'attribute_not_exists(pk) OR entity.outcome <> :tracked',
      values: { ':tracked': 'tracked' },
    },
  };
};

/** Notes a decision; one that is final stays as it is. */
export const noteDecision = async (store: EntityStore, write: RecordWrite): Promise<void> => {
  try {
    await store.table.write([write]);
  } catch (error) {
    if (!(error instanceof WriteConditionError)) throw error;
  }
};
