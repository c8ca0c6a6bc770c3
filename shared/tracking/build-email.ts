import type { Attachment, Email, LeftOutFile } from '../email/email.ts';
import { rawKeyOf } from '../email/email-body.ts';
import type { ReadMessage } from '../email/mime/read-message.ts';
import type { Organization } from '../organization/organization.ts';
import { normalizeAddress } from '../platform/address.ts';
import { deriveIdentifier } from '../platform/identifier.ts';
import type { AddressEntry } from '../record/address-entry.ts';
import type { DecisionFacts, Verdict } from './decide-message.ts';
import { derivedOnce, seedOf } from './mailbox-message.ts';
import { type RecipientField, toParty } from './participants.ts';
import { referToOwner } from './tracking-owner.ts';

export type Tracked = Extract<Verdict, { readonly outcome: 'tracked' }>;

/** The identifier that tracking this message from this mailbox always gives, also when it is repeated after a crash. */
export const emailIdOf = derivedOnce((mailboxId, message) =>
  deriveIdentifier(
    'eml',
    message.receivedAt.getTime(),
    `${seedOf(mailboxId, message)}#${message.uidValidity}#${message.uid}`,
  ),
);

/** Queues that get the email as an item of their own. */
export const queuesOf = (facts: DecisionFacts, { accepting }: Tracked): readonly string[] => {
  if (facts.message.direction === 'outgoing') return [];
  const { forAcceptingQueues, forSynchronizingMailbox } = facts.settings.queueItems;
  const { mailboxOwner } = facts;
  const accepted = accepting.flatMap(({ owner, field }) =>
    // The owner of the mailbox stands under Bcc where no header named it.
    owner.type === 'queue' && (owner.id !== mailboxOwner?.id || field !== 'bcc') ? [owner.id] : [],
  );
  return [
    ...new Set([
      ...(forAcceptingQueues ? accepted : []),
      ...(forSynchronizingMailbox && mailboxOwner?.type === 'queue' ? [mailboxOwner.id] : []),
    ]),
  ];
};

export interface EmailContent {
  readonly read: ReadMessage;
  readonly rawBytes: number;
  readonly body: Pick<Email, 'body' | 'bodyKey'>;
  readonly attachments: readonly Attachment[];
  readonly leftOut: readonly LeftOutFile[];
}

/** The email that an accepted message becomes. */
export const buildEmail = (
  organization: Organization,
  mailboxId: string,
  facts: DecisionFacts,
  verdict: Tracked,
  content: EmailContent,
  newSender: AddressEntry | undefined,
  now: Date,
): Email => {
  const { message, participants, correlation } = facts;
  const { headers, direction } = message;
  const id = emailIdOf(mailboxId, message);
  const at = now.toISOString();
  const { sender } = participants;
  const senderEntry = newSender ?? sender?.resolution.chosen;
  const from = toParty(sender?.address ?? { address: '', name: '' }, senderEntry === undefined ? [] : [senderEntry]);
  const listed = (field: RecipientField) =>
    participants.recipients
      .filter((one) => one.field === field)
      .map(({ address, entries }) => toParty(address, entries));
  const answered = correlation.found;
  const onBehalf =
    headers.sender !== null && normalizeAddress(headers.sender.address) !== normalizeAddress(from.address);
  return {
    id,
    version: 1,
    createdAt: at,
    updatedAt: at,
    externalId: null,
    direction,
    status: direction === 'incoming' ? 'received' : 'sent',
    mailboxId,
    ownerId: verdict.owner?.id ?? null,
    from,
    sender: onBehalf && headers.sender !== null ? toParty(headers.sender, []) : null,
    to: listed('to'),
    cc: listed('cc'),
    bcc: listed('bcc'),
    replyTo: headers.replyTo.slice(0, 20).map((address) => toParty(address, [])),
    subject: headers.subject,
    ...content.body,
    regarding: message.manual?.regarding ?? answered?.email.regarding ?? null,
    // Only these two methods tell an answer to this very email from one that is merely about the same.
    inReplyTo: answered?.method === 'inReplyTo' || answered?.method === 'conversationIndex' ? answered.email.id : null,
    priority: headers.priority,
    sendAt: null,
    readReceipt: false,
    deliveryReceipt: false,
    headers: {},
    attachments: [...content.attachments],
    ...(content.leftOut.length === 0 ? {} : { attachmentsLeftOut: [...content.leftOut] }),
    messageId: headers.messageId,
    references: [...new Set([...headers.references, ...(headers.inReplyTo === null ? [] : [headers.inReplyTo])])],
    ...(headers.conversationIndex === null ? {} : { conversationIndex: headers.conversationIndex }),
    ...(headers.automation === null ? {} : { automation: headers.automation }),
    token: correlation.token,
    conversationId: answered?.email.conversationId ?? id,
    correlation: {
      method: answered?.method ?? (message.manual === undefined ? 'none' : 'manual'),
      emailId: answered?.email.id ?? null,
    },
    acceptedBy: verdict.acceptedBy === null ? null : referToOwner(verdict.acceptedBy),
    queueIds: [...queuesOf(facts, verdict)],
    receivedByMailboxIds: direction === 'incoming' ? [mailboxId] : [],
    sizeBytes: content.rawBytes,
    receivedAt: direction === 'incoming' ? message.receivedAt.toISOString() : null,
    sentAt: (direction === 'incoming' ? headers.date : (headers.date ?? message.receivedAt))?.toISOString() ?? null,
    rawKey: rawKeyOf(organization.id, id),
    delivery: null,
  };
};
