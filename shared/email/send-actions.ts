import { clearAlert } from '../alert/raise-alert.ts';
import type { Organization } from '../organization/organization.ts';
import { normalizeAddress } from '../platform/address.ts';
import type { Author } from '../platform/change.ts';
import { createChange } from '../platform/create-change.ts';
import type { EntityStore } from '../platform/entity-store.ts';
import { FaultError } from '../platform/fault.ts';
import { type RecordKey, WriteConditionError } from '../platform/records-table.ts';
import { type AcceptDependencies, requireSendingMailbox, wakeFor } from './accept-send.ts';
import { recipientsOf, wasAccepted, withEvent } from './delivery-outcome.ts';
import { type Email, emailKind, type Party } from './email.ts';
import { type OutboxEntry, outboxKey, putOutboxEntry, removeWaitingEntry } from './outbox.ts';
import { settleAsSent } from './settle-as-sent.ts';

export interface ActionOptions {
  readonly author: Author;
  readonly ifMatch?: number | undefined;
}

type Delivery = NonNullable<Email['delivery']>;

const deliveryOf = (email: Email): Delivery =>
  email.delivery ?? {
    attempts: 0,
    lastAttemptAt: null,
    nextAttemptAt: null,
    fault: null,
    events: [],
    sentCopy: 'none',
  };

/** A fault that a person has dealt with needs no alert any more. */
export const clearFaultAlert = async (
  store: EntityStore,
  organizationId: string,
  before: Email | undefined,
  now: Date,
  author: Author,
): Promise<void> => {
  const code = before?.delivery?.fault?.code;
  if (before !== undefined && code !== undefined && (before.status === 'failed' || before.status === 'unconfirmed'))
    await clearAlert(store, organizationId, code, before.id, { now, author });
};

const refuseCancel = (email: Email): FaultError => {
  if (email.status === 'sending') return new FaultError('alreadySending');
  if (email.status === 'sent') return new FaultError('alreadySent');
  return new FaultError('invalidState', { detail: `An email that is ${email.status} cannot be cancelled` });
};

/**
 * Calls a Send back while no run has it. Whoever writes first wins: a cancelled email is never handed over, and one
 * that a run has taken is not cancelled. A second call answers as the first did.
 *
 * @throws FaultError notFound, versionMismatch, alreadySending, alreadySent, invalidState
 */
export const cancelSend = async (
  deps: Pick<AcceptDependencies, 'store' | 'now'>,
  organization: Organization,
  emailId: string,
  { author, ifMatch }: ActionOptions,
): Promise<Email> => {
  const { store, now } = deps;
  let before: Email | undefined;
  const cancel = (current: Email) => {
    before = current;
    if (current.status === 'canceled') return undefined;
    if (current.status !== 'pendingSend' && current.status !== 'failed') throw refuseCancel(current);
    // Put off for some recipients while others have it already.
    if (recipientsOf(current).some(wasAccepted))
      throw new FaultError('alreadySent', { detail: 'Some recipients have the email already' });
    const delivery = withEvent(
      { ...deliveryOf(current), nextAttemptAt: null },
      now(),
      'canceled',
      'Cancelled before it was handed over',
    );
    return {
      next: { ...current, status: 'canceled' as const, delivery },
      changes: [createChange('email.canceled', author, now())],
      also: current.status === 'pendingSend' ? [removeWaitingEntry(outboxKeyOf(organization.id, current))] : [],
    };
  };
  try {
    const email = await store.update(emailKind, organization.id, emailId, cancel, { now, ifMatch });
    await clearFaultAlert(store, organization.id, before, now(), author);
    return email;
  } catch (error) {
    if (error instanceof WriteConditionError) throw new FaultError('alreadySending');
    throw error;
  }
};

/** Where the email stands in the outbox since it was last accepted. */
export const outboxKeyOf = (organizationId: string, email: Email): RecordKey =>
  outboxKey(
    organizationId,
    { mailboxId: email.mailboxId ?? '', acceptedAt: email.acceptedAt ?? 0, emailId: email.id },
    email.priority,
  );

/** Takes back what the last attempt said of the recipients that are tried again. */
const withoutResult = (party: Party, again: ReadonlySet<string>): Party => {
  if (!again.has(normalizeAddress(party.address))) return party;
  const { result: _result, code: _code, answer: _answer, ...known } = party;
  return known;
};

/**
 * Sends a failed email again, or one whose delivery is not known if the caller accepts that recipients may get it
 * twice. The bytes are the same, and so is the Message-ID. Recipients that accepted it are left out.
 *
 * @throws FaultError notFound, versionMismatch, invalidState, mayDuplicate, workloadNotEnabled, channelIsEmailRouter
 */
export const retrySend = async (
  deps: AcceptDependencies,
  organization: Organization,
  emailId: string,
  input: { readonly acceptDuplicate: boolean },
  { author, ifMatch }: ActionOptions,
): Promise<Email> => {
  const { store, now } = deps;
  let before: Email | undefined;
  const email = await store.update(
    emailKind,
    organization.id,
    emailId,
    async (current) => {
      before = current;
      if (current.status !== 'failed' && current.status !== 'unconfirmed')
        throw new FaultError('invalidState', { detail: `An email that is ${current.status} cannot be sent again` });
      if (current.status === 'unconfirmed' && !input.acceptDuplicate) throw new FaultError('mayDuplicate');
      await requireSendingMailbox(store, organization, current.mailboxId);
      const acceptedAt = now().getTime();
      const pending = new Set(
        recipientsOf(current)
          .filter(({ result }) => current.status === 'failed' || result === 'unconfirmed' || result === 'deferred')
          .map(({ address }) => normalizeAddress(address)),
      );
      const entry: OutboxEntry = {
        emailId: current.id,
        mailboxId: current.mailboxId ?? '',
        state: 'waiting',
        notBefore: acceptedAt,
        attempts: 0,
        acceptedAt,
        pendingRecipients: [...pending],
      };
      const again = (party: Party): Party => withoutResult(party, pending);
      return {
        next: {
          ...current,
          status: 'pendingSend' as const,
          acceptedAt,
          to: current.to.map(again),
          cc: current.cc.map(again),
          bcc: current.bcc.map(again),
          delivery: withEvent(
            { ...deliveryOf(current), attempts: 0, nextAttemptAt: null, fault: null },
            now(),
            'retried',
            'A person asked for it to be sent again',
          ),
        },
        changes: [createChange('email.pendingSend', author, now())],
        also: [putOutboxEntry(organization.id, entry, current.priority)],
      };
    },
    { now, ifMatch },
  );
  await wakeFor(deps, organization.id, email);
  await clearFaultAlert(store, organization.id, before, now(), author);
  return email;
};

/**
 * A person knows that an unconfirmed email arrived. Its Sent copy is filed now.
 *
 * @throws FaultError notFound, versionMismatch, invalidState
 */
export const markSent = async (
  deps: AcceptDependencies,
  organization: Organization,
  emailId: string,
  { author, ifMatch }: ActionOptions,
): Promise<Email> => {
  const { store, now } = deps;
  let before: Email | undefined;
  const email = await store.update(
    emailKind,
    organization.id,
    emailId,
    (current) => {
      before = current;
      if (current.status !== 'unconfirmed')
        throw new FaultError('invalidState', {
          detail: `Only an unconfirmed email can be marked as sent; this one is ${current.status}`,
        });
      const told = { event: 'markedAsSent', detail: 'A person confirmed that it arrived' };
      return {
        ...settleAsSent(organization, current, told, now()),
        changes: [createChange('email.sent', author, now())],
      };
    },
    { now, ifMatch },
  );
  await wakeFor(deps, organization.id, email);
  await clearFaultAlert(store, organization.id, before, now(), author);
  return email;
};
