import type { CycleControl } from '../cycle/cycle-control.ts';
import { mailboxKind } from '../mailbox/mailbox.ts';
import { loadMailboxOwner } from '../mailbox/mailbox-owner.ts';
import { takesWork } from '../mailbox/workload-state.ts';
import type { Organization } from '../organization/organization.ts';
import { isAddress } from '../platform/address.ts';
import type { Author } from '../platform/change.ts';
import type { ContentStore } from '../platform/content-store.ts';
import { createChange } from '../platform/create-change.ts';
import type { EntityStore, WriteAlso } from '../platform/entity-store.ts';
import { FaultError, type FaultPointer } from '../platform/fault.ts';
import { recordKey } from '../platform/records-table.ts';
import { requireSendQuota } from '../quota/require-quota.ts';
import { resolveRecipient, toReference } from '../record/resolve-address.ts';
import { findAnswered, keptToken, requireEnd } from './answered-email.ts';
import { withUploadedStates } from './attachments.ts';
import { type Email, emailKind, type Party } from './email.ts';
import type { SendEmailInput } from './email-input.ts';
import { domainOf } from './envelope-address.ts';
import type { Sender } from './find-sender.ts';
import { conversationKey, messageIdentity, messageIdKey, messageKey, tokenKey } from './message-identity.ts';
import { type OutboxEntry, putOutboxEntry } from './outbox.ts';
import { referencesAfter } from './references.ts';
import { requireStorable } from './require-storable.ts';
import { mapInOrder } from './resolve-parties.ts';
import { requireSendingNow } from './send-as.ts';
import { subjectWrites } from './subject-index.ts';
import { appendToken, formatToken, tokenPrefixes } from './tracking-token.ts';

export interface AcceptDependencies {
  readonly store: EntityStore;
  readonly content: ContentStore;
  readonly cycles: CycleControl;
  readonly now: () => Date;
}

/** More than any server takes; attachments count as they travel, in base64. */
const largestMessageBytes = 50 * 1024 * 1024;
const base64Growth = (4 / 3) * (78 / 76);
const lookUpsAtOnce = 20;

const recipientFields = ['to', 'cc', 'bcc'] as const;

const forEachRecipient = (email: Email, check: (party: Party) => FaultPointer | undefined): FaultPointer[] =>
  recipientFields.flatMap((field) =>
    email[field].flatMap((party, index) => {
      const wrong = check(party);
      return wrong === undefined ? [] : [{ ...wrong, pointer: `#/${field}/${index}` }];
    }),
  );

const requireRecipients = (email: Email, allowUnresolved: boolean): void => {
  if (recipientFields.every((field) => email[field].length === 0)) throw new FaultError('noRecipients');
  const invalid = forEachRecipient(email, ({ address }) =>
    isAddress(address) ? undefined : { pointer: '', code: 'recipientInvalid', detail: `${address} is not an address` },
  );
  const wrongReplyTo = email.replyTo.flatMap(({ address }, index) =>
    isAddress(address)
      ? []
      : [{ pointer: `#/replyTo/${index}`, code: 'recipientInvalid', detail: `${address} is not an address` }],
  );
  if (invalid.length + wrongReplyTo.length > 0)
    throw new FaultError('recipientInvalid', { errors: [...invalid, ...wrongReplyTo] });
  if (allowUnresolved) return;
  const unresolved = forEachRecipient(email, ({ address, records }) =>
    records.length > 0
      ? undefined
      : { pointer: '', code: 'unresolvedRecipients', detail: `${address} matches no record` },
  );
  if (unresolved.length > 0) throw new FaultError('unresolvedRecipients', { errors: unresolved });
};

/** A record may have been created since the draft was. */
const resolveAgain = async (
  store: EntityStore,
  organization: Organization,
  email: Email,
): Promise<Pick<Email, 'to' | 'cc' | 'bcc'>> => {
  const resolve = (parties: readonly Party[]): Promise<Party[]> =>
    mapInOrder(parties, lookUpsAtOnce, async (party) => {
      if (party.records.length > 0) return party;
      const { chosen } = await resolveRecipient(store.table, organization, party.address, email.ownerId);
      return { ...party, records: chosen.map(toReference) };
    });
  return { to: await resolve(email.to), cc: await resolve(email.cc), bcc: await resolve(email.bcc) };
};

/** @throws FaultError channelIsEmailRouter, workloadNotEnabled */
export const requireSendingMailbox = async (
  store: EntityStore,
  organization: Organization,
  mailboxId: string | null,
): Promise<void> => {
  if (organization.settings.processing.channel === 'emailRouter') throw new FaultError('channelIsEmailRouter');
  const mailbox = mailboxId === null ? undefined : await store.get(mailboxKind, organization.id, mailboxId);
  if (mailbox?.workloads.outgoing.method === 'client') {
    // No lane runs: the email waits until the mail program of the mailbox comes for it.
    const owner = await loadMailboxOwner(store, organization.id, mailbox);
    if (!mailbox.retired && owner?.isActive === true) return;
    throw new FaultError('workloadNotEnabled', { detail: 'The owner of the sending mailbox is inactive' });
  }
  // One that retries sends as soon as its server is back, and one that is tested again as soon as the test has passed.
  if (mailbox === undefined || !takesWork(mailbox.workloads.outgoing))
    throw new FaultError('workloadNotEnabled', {
      detail: 'The outgoing workload of the sending mailbox is not enabled',
    });
};

const requireContent = async (content: ContentStore, email: Email): Promise<Email['attachments']> => {
  const attachments = await withUploadedStates(content, email.attachments);
  const missing = attachments.filter(({ state }) => state !== 'ready');
  if (missing.length > 0)
    throw new FaultError('attachmentNotReady', {
      detail: `Not uploaded yet: ${missing.map(({ fileName }) => fileName).join(', ')}`,
    });
  const bytes = attachments.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) * base64Growth;
  if (bytes > largestMessageBytes)
    throw new FaultError('messageTooLarge', {
      detail: `The message would have ${Math.ceil(bytes)} bytes, ${largestMessageBytes} are possible`,
    });
  return attachments;
};

const nextToken = async (store: EntityStore, organization: Organization, sender: Sender): Promise<string> => {
  const settings = organization.settings.correlation.token;
  const count = await store.table.increment(recordKey(organization.id, 'counter', `token#${sender.ownerId}`));
  return formatToken(settings, sender.userNumber, count);
};

const createEntry = (email: Email, mailboxId: string, acceptedAt: number, notBefore: number): OutboxEntry => ({
  emailId: email.id,
  mailboxId,
  state: 'waiting',
  notBefore,
  attempts: 0,
  acceptedAt,
});

/**
 * Checks whether a draft may be sent, and what is written when it is: the email as pendingSend, its outbox entry, and
 * what its answers are found by.
 *
 * @throws FaultError what API clients may have to mend: noRecipients, recipientInvalid, unresolvedRecipients,
 * workloadNotEnabled, channelIsEmailRouter, attachmentNotReady, messageTooLarge, sendAsNotAllowed, automaticReplyLoop
 */
export const acceptedWrites = async (
  deps: AcceptDependencies,
  organization: Organization,
  draft: Email,
  options: {
    readonly author: Author;
    readonly sendAt?: string | null | undefined;
    /** The user who asks for it; undefined: a key, which speaks for all users. */
    readonly userId?: string | undefined;
  },
): Promise<WriteAlso & { readonly next: Email }> => {
  const { store, content, now } = deps;
  const { settings } = organization;
  await requireSendQuota(store, organization, now());
  const resolved = requireStorable({ ...draft, ...(await resolveAgain(store, organization, draft)) });
  requireRecipients(resolved, settings.outgoing.allowUnresolvedRecipients);
  await requireSendingMailbox(store, organization, resolved.mailboxId);
  const attachments = await requireContent(content, resolved);
  const answered = await findAnswered(store, organization.id, resolved);
  requireEnd(resolved, answered);
  const { owner: sender, submitter } = await requireSendingNow(store, organization.id, resolved, options.userId);
  const token = settings.correlation.token.enabled
    ? ((await keptToken(store, organization, resolved, answered)) ?? (await nextToken(store, organization, sender)))
    : null;

  const accepted = now();
  const sendAt = options.sendAt === undefined ? resolved.sendAt : options.sendAt;
  const notBefore = Math.max(
    accepted.getTime() + settings.outgoing.undoSeconds * 1000,
    sendAt === null ? 0 : Date.parse(sendAt),
  );
  const messageDate = new Date(Math.floor(notBefore / 1000) * 1000);
  const messageId = `<${draft.id}@${domainOf(sender.party.address)}>`;
  const { mailboxId } = submitter ?? sender;
  const { maxSubjectLength } = settings.correlation;
  const pointer = { v: 1, organizationId: organization.id, emailId: draft.id };
  const identity = messageIdentity(messageId, sender.party.address, messageDate);
  return {
    next: {
      ...resolved,
      attachments,
      status: 'pendingSend',
      from: sender.party,
      sender: submitter?.party ?? null,
      mailboxId,
      references: answered === undefined ? resolved.references : referencesAfter(answered),
      subject: appendToken(resolved.subject, token, tokenPrefixes(organization), maxSubjectLength),
      token,
      messageId,
      messageDate: messageDate.toISOString(),
      acceptedAt: accepted.getTime(),
      sendAt,
      delivery: {
        attempts: 0,
        lastAttemptAt: null,
        nextAttemptAt: notBefore > accepted.getTime() ? new Date(notBefore).toISOString() : null,
        fault: null,
        events: [{ at: accepted.toISOString(), event: 'accepted', detail: 'Accepted for sending' }],
        sentCopy: 'none',
      },
    },
    changes: [createChange('email.pendingSend', options.author, accepted)],
    also: [
      putOutboxEntry(organization.id, createEntry(draft, mailboxId, accepted.getTime(), notBefore), draft.priority),
      { put: { ...messageKey(organization.id, 'outgoing', identity), kind: 'message', ...pointer } },
      { put: { ...messageIdKey(organization.id, messageId, draft.id), kind: 'messageId', ...pointer } },
      ...subjectWrites(organization, { ...resolved, from: sender.party }),
      ...(draft.conversationIndex === undefined
        ? []
        : [
            {
              put: {
                ...conversationKey(organization.id, draft.conversationIndex, draft.id),
                kind: 'conversation',
                ...pointer,
              },
            },
          ]),
      ...(token === null
        ? []
        : [{ put: { ...tokenKey(organization.id, token, draft.id), kind: 'token', ...pointer } }]),
    ],
  };
};

/**
 * The lane looks at its outbox now. The stream repeats this, so an accepted Send needs nothing but its write; a wake that
 * fails must not be told to the caller, who would take the Send for not accepted and ask again.
 */
export const wakeFor = async (
  { cycles }: Pick<AcceptDependencies, 'cycles'>,
  organizationId: string,
  email: Email,
): Promise<void> => {
  if (email.mailboxId !== null) await cycles.wake(organizationId, email.mailboxId, 'outgoing').catch(() => undefined);
};

const markedAsSent = (draft: Email, author: Author, now: Date): WriteAlso & { readonly next: Email } => ({
  next: {
    ...draft,
    status: 'sent',
    sentAt: now.toISOString(),
    delivery: {
      attempts: 0,
      lastAttemptAt: null,
      nextAttemptAt: null,
      fault: null,
      events: [{ at: now.toISOString(), event: 'markedAsSent', detail: 'Marked as sent, nothing was delivered' }],
      sentCopy: 'none',
    },
  },
  changes: [createChange('email.sent', author, now)],
});

/**
 * Sends a draft, once: from any other status it is refused.
 *
 * @throws FaultError notFound, versionMismatch, invalidState, and what acceptedWrites refuses
 */
export const acceptSend = async (
  deps: AcceptDependencies,
  organization: Organization,
  emailId: string,
  input: SendEmailInput,
  options: {
    readonly author: Author;
    readonly ifMatch?: number | undefined;
    readonly userId?: string | undefined;
  },
): Promise<Email> => {
  const { author, ifMatch, userId } = options;
  const email = await deps.store.update(
    emailKind,
    organization.id,
    emailId,
    (current) => {
      if (current.status !== 'draft')
        throw new FaultError('invalidState', { detail: `Only a draft can be sent; this email is ${current.status}` });
      return input.issueSend
        ? acceptedWrites(deps, organization, current, { author, sendAt: input.sendAt, userId })
        : markedAsSent(current, author, deps.now());
    },
    { now: deps.now, ifMatch },
  );
  if (email.status === 'pendingSend') await wakeFor(deps, organization.id, email);
  return email;
};
