import type { Services } from '../../functions/api/services.ts';
import { type Email, emailKind } from '../../shared/email/email.ts';
import { messageIdKey, tokenKey } from '../../shared/email/message-identity.ts';
import { createIdentifier } from '../../shared/platform/identifier.ts';
import type { RecordKey } from '../../shared/platform/records-table.ts';

/** Stores an email as the outgoing lane leaves it once it is sent, with what answers to it are found by. */
export const storeSentEmail = async (
  { store }: Services,
  organizationId: string,
  fields: Partial<Email> & { readonly messageId: string },
): Promise<Email> => {
  const at = new Date().toISOString();
  const id = createIdentifier('eml', Date.now());
  const email: Email = {
    id,
    version: 1,
    createdAt: at,
    updatedAt: at,
    externalId: null,
    direction: 'outgoing',
    status: 'sent',
    mailboxId: null,
    ownerId: null,
    from: { address: 'anna@contoso.example', records: [] },
    sender: null,
    to: [{ address: 'carl@client.example', records: [], result: 'accepted' }],
    cc: [],
    bcc: [],
    replyTo: [],
    subject: 'Our offer',
    regarding: null,
    inReplyTo: null,
    priority: 'normal',
    sendAt: null,
    readReceipt: false,
    deliveryReceipt: false,
    headers: {},
    attachments: [],
    references: [],
    token: null,
    conversationId: id,
    correlation: { method: 'none', emailId: null },
    acceptedBy: null,
    queueIds: [],
    receivedByMailboxIds: [],
    sizeBytes: 0,
    receivedAt: null,
    sentAt: at,
    rawKey: null,
    delivery: null,
    ...fields,
  };
  const pointer = (kind: string, key: RecordKey) => ({ put: { ...key, v: 1, kind, organizationId, emailId: id } });
  return store.create(emailKind, organizationId, email, {
    also: [
      pointer('messageId', messageIdKey(organizationId, fields.messageId, id)),
      ...(email.token === null ? [] : [pointer('token', tokenKey(organizationId, email.token, id))]),
    ],
  });
};
