import { isDeepStrictEqual } from 'node:util';
import type { Organization } from '../organization/organization.ts';
import { requireOwner } from '../owner/find-owner.ts';
import { normalizeAddress } from '../platform/address.ts';
import { createChange } from '../platform/create-change.ts';
import { FaultError } from '../platform/fault.ts';
import { refuseField } from '../platform/validate.ts';
import { type CreateDependencies, ownerTypes, requireParent, requireRegarding, threadOf } from './create-email.ts';
import { type Email, emailKind, type Party } from './email.ts';
import { loadBody, storeBody } from './email-body.ts';
import { headerLimit, type PartyInput, type PatchEmailInput, recipientLimit } from './email-input.ts';
import { ownerListingWrites } from './email-listing.ts';
import { requireStorable } from './require-storable.ts';
import { resolveParties } from './resolve-parties.ts';
import type { ActionOptions } from './send-actions.ts';
import { requireSending } from './send-as.ts';

const partyFields = ['to', 'cc', 'bcc', 'replyTo'] as const;

/** What may be changed once an email is more than a draft. */
const lateFields: ReadonlySet<string> = new Set(['externalId', 'regarding', 'ownerId', 'to', 'cc', 'bcc']);

type Fields = Partial<Email>;

const changeOwner = async (
  deps: CreateDependencies,
  organizationId: string,
  email: Email,
  patch: PatchEmailInput,
): Promise<Fields> => {
  if (patch.ownerId === undefined) return {};
  if (patch.ownerId !== null)
    return { ownerId: await requireOwner(deps.store, organizationId, ownerTypes, patch.ownerId, '#/ownerId') };
  return { ownerId: email.from.records[0]?.id ?? email.ownerId };
};

const changeLinks = async (
  deps: CreateDependencies,
  organizationId: string,
  email: Email,
  patch: PatchEmailInput,
): Promise<Fields> => ({
  ...(patch.externalId === undefined ? {} : { externalId: patch.externalId }),
  ...(patch.regarding === undefined
    ? {}
    : { regarding: await requireRegarding(deps.store, organizationId, patch.regarding) }),
  ...(await changeOwner(deps, organizationId, email, patch)),
});

const changeSender = async (
  deps: CreateDependencies,
  organizationId: string,
  email: Email,
  patch: PatchEmailInput,
): Promise<Fields> => {
  if (patch.from === undefined) return {};
  const { owner: sender, submitter } = await requireSending(deps.store, organizationId, patch.from);
  const owned = email.ownerId === email.from.records[0]?.id;
  return {
    from: sender.party,
    sender: submitter?.party ?? null,
    mailboxId: (submitter ?? sender).mailboxId,
    ...(owned ? { ownerId: sender.ownerId } : {}),
  };
};

const changeParties = async (
  deps: CreateDependencies,
  organization: Organization,
  email: Email,
  patch: PatchEmailInput,
): Promise<Fields> => {
  const changed: Fields = {};
  for (const field of partyFields) {
    const inputs = patch[field];
    if (inputs !== undefined)
      changed[field] = await resolveParties(deps.store, organization, inputs ?? [], `#/${field}`, email.ownerId);
  }
  return changed;
};

const changeBody = async (
  deps: CreateDependencies,
  organizationId: string,
  email: Email,
  patch: PatchEmailInput,
): Promise<Fields> => {
  if (patch.body === undefined) return {};
  const before = await loadBody(deps.content, email);
  const { html = before.html, text = before.text } = patch.body ?? { html: null, text: null };
  const body = { ...(html == null ? {} : { html }), ...(text == null ? {} : { text }) };
  if (isDeepStrictEqual(body, before)) return {};
  return {
    body: undefined,
    bodyKey: undefined,
    ...(await storeBody(deps.content, organizationId, email.id, body)),
  };
};

/** By member: a header that is not named stays, null takes one away. */
const changeHeaders = (email: Email, patch: PatchEmailInput['headers']): Email['headers'] => {
  const changed = { ...(patch === null ? {} : email.headers), ...patch };
  const headers = Object.fromEntries(
    Object.entries(changed).filter((header): header is [string, string] => header[1] !== null),
  );
  if (Object.keys(headers).length > headerLimit)
    throw refuseField('#/headers', 'outOfRange', `at most ${headerLimit} headers`);
  return headers;
};

/** A draft's own content; null resets a field to what a new email has. */
const changeContent = (email: Email, patch: PatchEmailInput): Fields => ({
  ...(patch.subject === undefined ? {} : { subject: patch.subject ?? '' }),
  ...(patch.priority === undefined ? {} : { priority: patch.priority ?? 'normal' }),
  ...(patch.sendAt === undefined ? {} : { sendAt: patch.sendAt }),
  ...(patch.readReceipt === undefined ? {} : { readReceipt: patch.readReceipt ?? false }),
  ...(patch.deliveryReceipt === undefined ? {} : { deliveryReceipt: patch.deliveryReceipt ?? false }),
  ...(patch.headers === undefined ? {} : { headers: changeHeaders(email, patch.headers) }),
});

const changeDraft = async (
  deps: CreateDependencies,
  organization: Organization,
  email: Email,
  patch: PatchEmailInput,
): Promise<Fields> => ({
  ...changeContent(email, patch),
  ...(await changeSender(deps, organization.id, email, patch)),
  ...(await changeParties(deps, organization, email, patch)),
  ...(await changeBody(deps, organization.id, email, patch)),
  ...(patch.inReplyTo === undefined
    ? {}
    : threadOf(await requireParent(deps.store, organization.id, patch.inReplyTo), email.id, deps.now())),
});

const sameAddresses = (parties: readonly Party[], inputs: readonly Party[]): boolean =>
  isDeepStrictEqual(
    parties.map(({ address }) => normalizeAddress(address)),
    inputs.map(({ address }) => normalizeAddress(address)),
  );

/** After sending, who got the email is a fact; only the records behind the addresses may be named anew. */
const changeRecords = async (
  deps: CreateDependencies,
  organization: Organization,
  email: Email,
  patch: PatchEmailInput,
): Promise<Fields> => {
  const changed: Fields = {};
  for (const field of ['to', 'cc', 'bcc'] as const) {
    const inputs: readonly PartyInput[] | null | undefined = patch[field];
    if (inputs === undefined) continue;
    const named = await resolveParties(deps.store, organization, inputs ?? [], `#/${field}`, email.ownerId);
    if (!sameAddresses(email[field], named))
      throw refuseField(`#/${field}`, 'addressesFixed', 'Only the records of these parties can be changed any more');
    changed[field] = email[field].map((party, index) => ({ ...party, records: named[index]?.records ?? [] }));
  }
  return changed;
};

const requireLateFields = (email: Email, patch: PatchEmailInput): void => {
  const refused = Object.keys(patch).filter((field) => !lateFields.has(field));
  if (refused.length > 0)
    throw new FaultError('invalidState', {
      detail: `${refused.join(', ')} of a draft can be changed; this email is ${email.status}`,
      errors: refused.map((field) => ({
        pointer: `#/${field}`,
        code: 'notADraft',
        detail: 'This field can be changed in a draft only',
      })),
    });
};

const changedFieldsOf = (before: Email, after: Email): string[] =>
  [...new Set([...Object.keys(before), ...Object.keys(after)])]
    .filter((field) => !isDeepStrictEqual(before[field as keyof Email], after[field as keyof Email]))
    .map((field) => (field === 'bodyKey' ? 'body' : field))
    .filter((field) => field !== 'references' && field !== 'conversationIndex');

/**
 * Applies a merge patch: a draft may change in everything, any other email in its owner, what it regards, the records
 * of its recipients, and its externalId (which binds what the hub created). A patch that changes nothing writes nothing.
 *
 * @throws FaultError notFound, versionMismatch, invalidRequest, invalidState, externalIdTaken, sendAsNotAllowed
 */
export const updateEmail = (
  deps: CreateDependencies,
  organization: Organization,
  emailId: string,
  patch: PatchEmailInput,
  { author, ifMatch }: ActionOptions,
): Promise<Email> =>
  deps.store.update(
    emailKind,
    organization.id,
    emailId,
    async (current) => {
      const draft = current.status === 'draft';
      if (!draft) requireLateFields(current, patch);
      const next: Email = {
        ...current,
        ...(draft
          ? await changeDraft(deps, organization, current, patch)
          : await changeRecords(deps, organization, current, patch)),
        ...(await changeLinks(deps, organization.id, current, patch)),
      };
      if (next.to.length + next.cc.length + next.bcc.length > recipientLimit)
        throw refuseField('#/to', 'outOfRange', `at most ${recipientLimit} recipients in to, cc and bcc together`);
      const changedFields = [...new Set(changedFieldsOf(current, next))];
      if (changedFields.length === 0) return undefined;
      const stays = next.ownerId === current.ownerId && next.mailboxId === current.mailboxId;
      return {
        next: requireStorable(next),
        changes: [createChange('email.updated', author, deps.now(), changedFields)],
        also: stays ? [] : await ownerListingWrites(deps.store, organization.id, next),
      };
    },
    { now: deps.now, ifMatch },
  );
