import * as z from 'zod';
import { FenceError } from '../cycle/cycle-store.ts';
import { type Mailbox, mailboxKind } from '../mailbox/mailbox.ts';
import { clientIdSchema } from '../mailbox/synchronizing-client.ts';
import type { Organization } from '../organization/organization.ts';
import { normalizeAddress } from '../platform/address.ts';
import { createChange } from '../platform/create-change.ts';
import type { EntityStore } from '../platform/entity-store.ts';
import { createFault, type Fault, FaultError } from '../platform/fault.ts';
import { type FaultCode, faultCatalogue } from '../platform/fault-catalogue.ts';
import { WriteConditionError } from '../platform/records-table.ts';
import { type Concluding, concludeSend } from './conclude-send.ts';
import { pendingRecipientsOf, type RecipientOutcome, withEvent } from './delivery-outcome.ts';
import { type Email, emailKind } from './email.ts';
import { messageIdKey, withBrackets } from './message-identity.ts';
import { handToClient, type QueuedSend, readQueuedSend } from './outbox.ts';
import { maySendTo } from './sandbox.ts';
import { type ActionOptions, clearFaultAlert, outboxKeyOf } from './send-actions.ts';
import { settleAsSent } from './settle-as-sent.ts';

export const clientDeliverySchema = z.strictObject({
  clientId: clientIdSchema,
  event: z.enum(['started', 'sent', 'failed']).meta({
    description: 'Say started before the message goes out: from then on the email cannot be cancelled.',
  }),
  messageId: z
    .string()
    .min(1)
    .max(998)
    .regex(/^[\x21-\x7e]+$/, 'printable characters without spaces')
    .optional()
    .meta({ description: 'The Message-ID that the message went out with, where it is another one.' }),
  fault: z
    .object({ code: z.string().max(100).optional(), detail: z.string().max(1000).optional() })
    .optional()
    .meta({ description: 'Why it failed.' }),
});
export type ClientDeliveryInput = z.output<typeof clientDeliverySchema>;

interface Dependencies {
  readonly store: EntityStore;
  readonly now: () => Date;
}

/** How an outbox entry names the mail program that has it. */
export const claimOf = (clientId: string): string => `client:${clientId}`;

/** @throws FaultError notSynchronizingClient */
const requireClient = async (
  store: EntityStore,
  organizationId: string,
  mailboxId: string | null,
  clientId: string,
): Promise<Mailbox> => {
  const mailbox = mailboxId === null ? undefined : await store.get(mailboxKind, organizationId, mailboxId);
  if (mailbox?.workloads.outgoing.method !== 'client' || mailbox.synchronizingClient?.clientId !== clientId)
    throw new FaultError('notSynchronizingClient');
  return mailbox;
};

const refuse = ({ status }: Email, event: ClientDeliveryInput['event']): FaultError => {
  if (status === 'sending') return new FaultError('alreadySending');
  if (status === 'sent') return new FaultError('alreadySent');
  return new FaultError('invalidState', { detail: `${event} cannot be said of an email that is ${status}` });
};

const faultOf = ({ fault }: ClientDeliveryInput): Fault => {
  const code = fault?.code ?? 'clientDeliveryFailed';
  if (Object.hasOwn(faultCatalogue, code))
    return createFault(code as FaultCode, fault?.detail === undefined ? {} : { detail: fault.detail });
  return createFault('clientDeliveryFailed', { detail: [code, fault?.detail].filter(Boolean).join(': ') });
};

/** One report about one email. */
class ClientReport {
  readonly #deps: Dependencies;
  readonly #organization: Organization;
  readonly #mailbox: Mailbox;
  readonly #report: ClientDeliveryInput;
  readonly #author: ActionOptions['author'];

  constructor(
    deps: Dependencies,
    organization: Organization,
    mailbox: Mailbox,
    report: ClientDeliveryInput,
    author: ActionOptions['author'],
  ) {
    this.#deps = deps;
    this.#organization = organization;
    this.#mailbox = mailbox;
    this.#report = report;
    this.#author = author;
  }

  async start(email: Email): Promise<Email> {
    const queued = await this.#queued(email);
    if (this.#holds(email, queued)) return email;
    if (queued === undefined || !this.#isWaiting(email, queued)) throw refuse(email, 'started');
    if (queued.entry.notBefore > this.#deps.now().getTime())
      throw new FaultError('invalidState', {
        detail: `The email is not to be sent before ${new Date(queued.entry.notBefore).toISOString()}`,
        fix: 'Wait until delivery.nextAttemptAt',
      });
    const taken = await this.#take(email, queued);
    // A mail program sends to all recipients or to none.
    const isBlocked = pendingRecipientsOf(email, queued.entry).some(
      ({ address }) => !maySendTo(this.#organization, address),
    );
    return isBlocked ? this.#conclude(taken, { result: 'rejected', fault: createFault('sandboxBlocked') }) : taken;
  }

  async end(email: Email, outcome: RecipientOutcome): Promise<Email> {
    const queued = await this.#queued(email);
    if (this.#holds(email, queued)) return this.#conclude(email, outcome);
    // It went out, or not, without having been started: refusing the report would have it sent again.
    if (queued !== undefined && this.#isWaiting(email, queued))
      return this.#conclude(await this.#take(email, queued), outcome);
    throw refuse(email, this.#report.event);
  }

  /** What was in doubt is known now. */
  async settle(email: Email): Promise<Email> {
    const { settings } = this.#organization;
    // Mail programs file what they send.
    const outgoing = { ...settings.outgoing, saveToSentItems: false };
    const told = { event: 'sent', detail: 'The mail program reported that it was sent' };
    const settled = await this.#deps.store.update(
      emailKind,
      this.#organization.id,
      email.id,
      (current) => {
        if (current.status !== 'unconfirmed') throw refuse(current, 'sent');
        const organization = { ...this.#organization, settings: { ...settings, outgoing } };
        const { next } = settleAsSent(organization, current, told, this.#deps.now());
        const noted = this.#note(next);
        return { ...noted, changes: [createChange('email.sent', this.#author, this.#deps.now())] };
      },
      { now: this.#deps.now },
    );
    await clearFaultAlert(this.#deps.store, this.#organization.id, email, this.#deps.now(), this.#author);
    return settled;
  }

  async #queued(email: Email): Promise<QueuedSend | undefined> {
    const item = await this.#deps.store.table.get(outboxKeyOf(this.#organization.id, email));
    return item === undefined ? undefined : readQueuedSend(item);
  }

  #holds(email: Email, queued: QueuedSend | undefined): boolean {
    return (
      email.status === 'sending' &&
      queued?.entry.state === 'handing' &&
      queued.entry.claim === claimOf(this.#report.clientId)
    );
  }

  /** Also where a run of the lane had taken it and died: nothing of it has gone out. */
  #isWaiting(email: Email, { entry }: QueuedSend): boolean {
    return entry.state === 'waiting' && (email.status === 'pendingSend' || email.status === 'sending');
  }

  async #take(email: Email, queued: QueuedSend): Promise<Email> {
    const at = this.#deps.now();
    try {
      return await this.#deps.store.update(
        emailKind,
        this.#organization.id,
        email.id,
        (current) => {
          if (!this.#isWaiting(current, queued)) throw refuse(current, this.#report.event);
          return {
            next: {
              ...current,
              status: 'sending' as const,
              delivery:
                current.delivery === null
                  ? null
                  : {
                      ...current.delivery,
                      attempts: queued.entry.attempts + 1,
                      lastAttemptAt: at.toISOString(),
                      nextAttemptAt: null,
                    },
            },
            changes: current.status === 'sending' ? [] : [createChange('email.sending', this.#author, at)],
            also: [handToClient(queued, claimOf(this.#report.clientId), at)],
          };
        },
        { now: this.#deps.now },
      );
    } catch (error) {
      if (error instanceof WriteConditionError) throw new FaultError('alreadySending');
      throw error;
    }
  }

  async #conclude(email: Email, outcome: RecipientOutcome): Promise<Email> {
    const queued = await this.#queued(email);
    if (queued === undefined) throw refuse(email, this.#report.event);
    const outcomes = pendingRecipientsOf(email, queued.entry).map(({ address }): [string, RecipientOutcome] => [
      normalizeAddress(address),
      outcome,
    ]);
    const concluding: Concluding = {
      organization: this.#organization,
      mailbox: this.#mailbox,
      now: this.#deps.now,
      author: this.#author,
      note: (next) => this.#note(next),
    };
    try {
      const concluded = await concludeSend(this.#deps.store, concluding, queued, new Map(outcomes));
      if (concluded === undefined) throw new FaultError('notFound');
      return concluded;
    } catch (error) {
      if (error instanceof FenceError) throw new FaultError('notSynchronizingClient');
      throw error;
    }
  }

  /** The Message-ID that answers will name. */
  #note(email: Email) {
    const { messageId } = this.#report;
    const given = messageId === undefined ? email.messageId : withBrackets(messageId);
    if (email.status !== 'sent' || given === null || given === email.messageId) return { next: email, also: [] };
    const { id: organizationId } = this.#organization;
    const detail = 'The message went out with a Message-ID of the mail program';
    const delivery =
      email.delivery === null ? null : withEvent(email.delivery, this.#deps.now(), 'messageIdChanged', detail);
    return {
      next: { ...email, messageId: given, delivery },
      also: [
        {
          put: {
            ...messageIdKey(organizationId, given, email.id),
            kind: 'messageId',
            v: 1,
            organizationId,
            emailId: email.id,
          },
        },
      ],
    };
  }
}

/**
 * What the mail program that synchronizes a mailbox says of an email that it delivers. Each report may be repeated.
 *
 * @throws FaultError notFound, versionMismatch, notSynchronizingClient, alreadySending, alreadySent, invalidState
 */
export const reportClientDelivery = async (
  deps: Dependencies,
  organization: Organization,
  emailId: string,
  report: ClientDeliveryInput,
  { author, ifMatch }: ActionOptions,
): Promise<Email> => {
  const { store } = deps;
  const email = await store.get(emailKind, organization.id, emailId);
  if (email === undefined) throw new FaultError('notFound');
  if (ifMatch !== undefined && ifMatch !== email.version) throw new FaultError('versionMismatch');
  const mailbox = await requireClient(store, organization.id, email.mailboxId, report.clientId);
  const reporting = new ClientReport(deps, organization, mailbox, report, author);
  switch (report.event) {
    case 'started':
      return reporting.start(email);
    case 'sent':
      if (email.status === 'sent') return email;
      if (email.status === 'unconfirmed') return reporting.settle(email);
      return reporting.end(email, { result: 'accepted' });
    case 'failed':
      if (email.status === 'failed') return email;
      return reporting.end(email, { result: 'rejected', fault: faultOf(report) });
  }
};
