import type { Services } from '../../../functions/api/services.ts';
import { type Email, emailKind } from '../../../shared/email/email.ts';
import { messageIdKey } from '../../../shared/email/message-identity.ts';
import { createIdentifier } from '../../../shared/platform/identifier.ts';

/** Puts an email into the store as tracking leaves it; `fields` replace. */
export const storeIncomingEmail = async (
  { store, now }: Services,
  organization: { readonly id: string; readonly sender?: { readonly id: string; readonly mailboxId: string } },
  fields: Partial<Email> = {},
): Promise<Email> => {
  const receivedAt = fields.receivedAt ?? now().toISOString();
  const id = createIdentifier('eml', Date.parse(receivedAt));
  const mailboxId = organization.sender?.mailboxId ?? null;
  const email: Email = {
    id,
    version: 1,
    createdAt: receivedAt,
    updatedAt: receivedAt,
    externalId: null,
    direction: 'incoming',
    status: 'received',
    mailboxId,
    ownerId: organization.sender?.id ?? null,
    from: { address: 'carl@client.example', records: [] },
    sender: null,
    to: [],
    cc: [],
    bcc: [],
    replyTo: [],
    subject: 'Question',
    body: { text: 'How much?' },
    regarding: null,
    inReplyTo: null,
    priority: 'normal',
    sendAt: null,
    readReceipt: false,
    deliveryReceipt: false,
    headers: {},
    attachments: [],
    messageId: `<${id}@client.example>`,
    references: [],
    token: null,
    conversationId: id,
    correlation: { method: 'none', emailId: null },
    acceptedBy: null,
    queueIds: [],
    receivedByMailboxIds: mailboxId === null ? [] : [mailboxId],
    sizeBytes: 0,
    receivedAt,
    sentAt: receivedAt,
    rawKey: null,
    delivery: null,
    ...fields,
  };
  const pointer = { v: 1, kind: 'messageId', organizationId: organization.id, emailId: id };
  return store.create(emailKind, organization.id, email, {
    also:
      email.messageId === null ? [] : [{ put: { ...messageIdKey(organization.id, email.messageId, id), ...pointer } }],
  });
};
