import type { Email } from '../email/email.ts';
import type { Organization } from '../organization/organization.ts';
import type { EntityStore } from '../platform/entity-store.ts';
import { identifierAt, identifierTime } from '../platform/identifier.ts';
import type { RecordWrite } from '../platform/records-table.ts';
import { type Decision, decisionExpiry, decisionKind, historyAfter } from '../tracking/decision.ts';
import { findDecision } from '../tracking/find-decision.ts';

const mostAtOneInstant = 100;

/** The decision by which a message became this email; undefined when it is no longer kept. */
export const findDecisionOf = async (
  store: EntityStore,
  organizationId: string,
  { id, mailboxId }: Pick<Email, 'id' | 'mailboxId'>,
): Promise<Decision | undefined> => {
  // Both identifiers begin with the instant at which the server received the message.
  const received = identifierTime(id);
  const isItsOwn = (decision: Decision): boolean => decision.emailId === id && decision.outcome !== 'duplicate';
  const at = { from: received, to: received };
  const own = mailboxId === null ? undefined : await findDecision(store, organizationId, mailboxId, at, isItsOwn);
  if (own !== undefined) return own;
  // It was tracked again by another mailbox.
  const { items } = await store.list(decisionKind, organizationId, {
    from: identifierAt(decisionKind.prefix, received),
    to: identifierAt(decisionKind.prefix, received + 1),
    limit: mostAtOneInstant,
  });
  return items.find(isItsOwn);
};

/** The write that turns a decision to what the CRM made of it; none where there is no decision any more. */
export const rejectedDecisionWrites = (
  store: EntityStore,
  { id, settings }: Pick<Organization, 'id' | 'settings'>,
  decision: Decision | undefined,
  outcome: 'setAside' | 'retrying' | 'tracked',
  now: Date,
): RecordWrite[] => {
  if (decision === undefined) return [];
  const at = now.toISOString();
  const next: Decision = {
    ...decision,
    version: decision.version + 1,
    updatedAt: at,
    decidedAt: at,
    outcome,
    code: outcome === 'tracked' ? null : 'crmRejected',
    history: decision.code === 'crmRejected' ? decision.history : historyAfter(decision),
  };
  const expiresAt = decisionExpiry(next, settings.tracking.decisionRetentionDays);
  return store.writesOf(decisionKind, id, decision, next, { expiresAt });
};
