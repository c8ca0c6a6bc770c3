import type { Organization } from '../organization/organization.ts';
import { type OwnerTypeName, requireOwner } from '../owner/find-owner.ts';
import type { Author } from '../platform/change.ts';
import type { ContentStore } from '../platform/content-store.ts';
import { createChange } from '../platform/create-change.ts';
import type { EntityStore } from '../platform/entity-store.ts';
import { FaultError } from '../platform/fault.ts';
import { WriteConditionError } from '../platform/records-table.ts';
import { findIdentifier } from '../platform/resolve-identifier.ts';
import { refuseField } from '../platform/validate.ts';
import type { Reference } from '../platform/values.ts';
import { requireStorageQuota } from '../quota/require-quota.ts';
import { type AcceptDependencies, acceptedWrites, wakeFor } from './accept-send.ts';
import { continueConversationIndex, startConversationIndex } from './conversation-index.ts';
import { type Email, emailKind, type Party } from './email.ts';
import { storeBody } from './email-body.ts';
import type { CreateEmailInput, PartyInput } from './email-input.ts';
import { ownerListingWrites } from './email-listing.ts';
import { referencesAfter } from './references.ts';
import { requireStorable } from './require-storable.ts';
import { requireRecord, resolveParties } from './resolve-parties.ts';
import { requireSending, type Sending } from './send-as.ts';

/** Who may own an email. */
export const ownerTypes: readonly OwnerTypeName[] = ['user', 'queue', 'team'];

const replyPrefix = /^\s*(?:re|aw|sv|antw|r[eé]p?)\s*:/i;

const replySubject = (subject: string): string => (replyPrefix.test(subject) ? subject : `Re: ${subject}`);

/** Who an answer goes to when nobody is named (RFC 5322 section 3.6.2). */
const replyRecipients = (parent: Email): readonly Party[] => {
  if (parent.direction === 'outgoing') return parent.to;
  return parent.replyTo.length > 0 ? parent.replyTo : [parent.from];
};

/** @throws FaultError invalidRequest, which names the field */
export const requireRegarding = async (
  store: EntityStore,
  organizationId: string,
  regarding: { readonly type: string; readonly id: string } | null | undefined,
): Promise<Reference | null> =>
  regarding == null ? null : (await requireRecord(store, organizationId, regarding, '#/regarding')).reference;

/** @throws FaultError invalidRequest, which names the field */
export const requireParent = async (
  store: EntityStore,
  organizationId: string,
  inReplyTo: string | null | undefined,
): Promise<Email | undefined> => {
  if (inReplyTo == null) return undefined;
  const id = await findIdentifier(store, organizationId, 'email', 'eml', inReplyTo);
  const parent = id === undefined ? undefined : await store.get(emailKind, organizationId, id);
  if (parent === undefined) throw refuseField('#/inReplyTo', 'notFound', 'There is no email with this id');
  return parent;
};

/** The part of an email that follows from the email that it answers. */
export const threadOf = (
  parent: Email | undefined,
  emailId: string,
  at: Date,
): Pick<Email, 'inReplyTo' | 'references' | 'conversationIndex' | 'conversationId' | 'correlation'> =>
  parent === undefined
    ? {
        inReplyTo: null,
        references: [],
        conversationIndex: startConversationIndex(emailId),
        conversationId: emailId,
        correlation: { method: 'none', emailId: null },
      }
    : {
        inReplyTo: parent.id,
        references: referencesAfter(parent),
        conversationIndex: continueConversationIndex(
          parent.conversationIndex ?? startConversationIndex(parent.conversationId),
          emailId,
          at,
        ),
        conversationId: parent.conversationId,
        correlation: { method: 'inReplyTo', emailId: parent.id },
      };

export interface CreateDependencies extends AcceptDependencies {
  readonly content: ContentStore;
}

const composeDraft = async (
  deps: CreateDependencies,
  organization: Organization,
  id: string,
  input: CreateEmailInput,
  { owner: sender, submitter }: Sending,
): Promise<Email> => {
  const { store, content, now } = deps;
  const resolve = (parties: readonly PartyInput[] | undefined, field: string) =>
    resolveParties(store, organization, parties ?? [], field, sender.ownerId);
  const parent = await requireParent(store, organization.id, input.inReplyTo);
  const [to, cc, bcc, replyTo] = [
    await resolve(input.to, '#/to'),
    await resolve(input.cc, '#/cc'),
    await resolve(input.bcc, '#/bcc'),
    await resolve(input.replyTo, '#/replyTo'),
  ];
  const named = input.to !== undefined || input.cc !== undefined || input.bcc !== undefined;
  const regarding = await requireRegarding(store, organization.id, input.regarding);
  const ownerId =
    input.ownerId === undefined
      ? sender.ownerId
      : await requireOwner(store, organization.id, ownerTypes, input.ownerId, '#/ownerId');
  const at = now().toISOString();
  return {
    id,
    version: 1,
    createdAt: at,
    updatedAt: at,
    externalId: input.externalId ?? null,
    direction: 'outgoing',
    status: 'draft',
    mailboxId: (submitter ?? sender).mailboxId,
    ownerId,
    from: sender.party,
    sender: submitter?.party ?? null,
    to:
      named || parent === undefined
        ? to
        : replyRecipients(parent).map(({ result: _result, code: _code, answer: _answer, ...party }) => party),
    cc,
    bcc,
    replyTo,
    subject: input.subject ?? (parent === undefined ? '' : replySubject(parent.subject)),
    ...(await storeBody(content, organization.id, id, input.body ?? {})),
    regarding: input.regarding === undefined ? (parent?.regarding ?? null) : regarding,
    ...threadOf(parent, id, now()),
    priority: input.priority ?? 'normal',
    sendAt: input.sendAt ?? null,
    readReceipt: input.readReceipt ?? false,
    deliveryReceipt: input.deliveryReceipt ?? false,
    headers: input.headers ?? {},
    attachments: [],
    messageId: null,
    token: null,
    acceptedBy: null,
    queueIds: [],
    receivedByMailboxIds: [],
    sizeBytes: 0,
    receivedAt: null,
    sentAt: null,
    rawKey: null,
    delivery: null,
  };
};

const writeNew = async (
  deps: CreateDependencies,
  organization: Organization,
  id: string,
  input: CreateEmailInput,
  author: Author,
): Promise<Email> => {
  await requireStorageQuota(deps.store, organization);
  const sending = await requireSending(deps.store, organization.id, input.from);
  const draft = await composeDraft(deps, organization, id, input, sending);
  const changes = [createChange('email.draftCreated', author, deps.now())];
  const through = sending.submitter ?? sending.owner;
  const also = draft.ownerId === through.ownerId ? [] : await ownerListingWrites(deps.store, organization.id, draft);
  if (!input.send) return deps.store.create(emailKind, organization.id, requireStorable(draft), { changes, also });
  const { next, ...writes } = await acceptedWrites(deps, organization, draft, { author });
  return deps.store.create(emailKind, organization.id, next, {
    ...writes,
    changes: [...changes, ...(writes.changes ?? [])],
    also: [...(writes.also ?? []), ...also],
  });
};

/**
 * Creates a draft; with `send` it is accepted for sending in the same write, and nothing is created when it may not be
 * sent. Called again with the same identifier it answers with what the first call created, also where that would be
 * refused by now: whoever is refused takes nothing to be on its way, and asks for another one.
 *
 * @throws FaultError invalidRequest, externalIdTaken, sendAsNotAllowed; with `send` also what acceptance refuses
 */
export const createEmail = async (
  deps: CreateDependencies,
  organization: Organization,
  id: string,
  input: CreateEmailInput,
  author: Author,
): Promise<Email> => {
  let email: Email;
  try {
    email = await writeNew(deps, organization, id, input, author);
  } catch (error) {
    const decided = error instanceof WriteConditionError || error instanceof FaultError;
    const first = decided ? await deps.store.get(emailKind, organization.id, id) : undefined;
    if (first === undefined) throw error;
    email = first;
  }
  if (email.status === 'pendingSend') await wakeFor(deps, organization.id, email);
  return email;
};
