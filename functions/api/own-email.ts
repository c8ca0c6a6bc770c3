import type { CreateEmailInput, PatchEmailInput, SenderInput } from '../../shared/email/email-input.ts';
import type { EmailFilters } from '../../shared/email/search-emails.ts';
import { userKind } from '../../shared/owner/owner.ts';
import { FaultError } from '../../shared/platform/fault.ts';
import { findIdentifier } from '../../shared/platform/resolve-identifier.ts';
import { refuseField } from '../../shared/platform/validate.ts';
import { requireEmail } from './email-request.ts';
import { type Ownership, ownershipOf } from './ownership.ts';
import type { OrganizationContext } from './route.ts';

type EmailContext = OrganizationContext<unknown, unknown, unknown>;

/** Whether an id of a request, which may be `ext:`, names the user who calls. */
const isCaller = async (
  { services: { store }, organization }: EmailContext,
  { userId }: Ownership,
  id: string,
): Promise<boolean> =>
  id === userId || (await findIdentifier(store, organization.id, userKind.kind, userKind.prefix, id)) === userId;

/** A user writes as himself, and in another's name only as the one who submits it. @throws FaultError sendAsNotAllowed */
const asSubmitter = async (context: EmailContext, from: SenderInput, ownership: Ownership): Promise<SenderInput> => {
  if (from.submitter !== undefined && !(await isCaller(context, ownership, from.submitter)))
    throw new FaultError('sendAsNotAllowed', {
      detail: 'A user submits emails of his own',
      fix: 'Leave submitter out',
    });
  return { ...from, submitter: ownership.userId };
};

const refuseOtherOwner = async (
  context: EmailContext,
  ownerId: string | null | undefined,
  ownership: Ownership,
): Promise<void> => {
  if (ownerId === undefined) return;
  if (ownerId === null || !(await isCaller(context, ownership, ownerId)))
    throw new FaultError('forbidden', {
      detail: 'Users give their emails to nobody else',
      fix: 'Leave ownerId out, or ask an administrator',
    });
};

/** What is answered must be the user's, too: the answer takes over whom it was from and for. */
const requireOwnParent = async (context: EmailContext, inReplyTo: string | null | undefined): Promise<void> => {
  if (inReplyTo == null) return;
  try {
    await requireEmail({ ...context, path: { emailId: inReplyTo } });
  } catch (error) {
    if (!(error instanceof FaultError)) throw error;
    throw refuseField('#/inReplyTo', 'notFound', 'There is no email with this id');
  }
};

/** What a draft is to be, as this caller may make it. @throws FaultError sendAsNotAllowed, forbidden, invalidRequest */
export const asOwnDraft = async (
  context: OrganizationContext<unknown, unknown, CreateEmailInput>,
): Promise<CreateEmailInput> => {
  const { caller, body } = context;
  const ownership = ownershipOf(caller);
  if (ownership === undefined) return body;
  await refuseOtherOwner(context, body.ownerId, ownership);
  await requireOwnParent(context, body.inReplyTo);
  return { ...body, from: await asSubmitter(context, body.from, ownership), ownerId: ownership.userId };
};

/** A change of an email, as asOwnDraft. */
export const asOwnChange = async (
  context: OrganizationContext<unknown, unknown, PatchEmailInput>,
): Promise<PatchEmailInput> => {
  const { caller, body } = context;
  const ownership = ownershipOf(caller);
  if (ownership === undefined) return body;
  await refuseOtherOwner(context, body.ownerId, ownership);
  await requireOwnParent(context, body.inReplyTo);
  // The owner stays who it is when the sender becomes another.
  return body.from === undefined
    ? body
    : { ...body, from: await asSubmitter(context, body.from, ownership), ownerId: ownership.userId };
};

/** Of a list the user sees the own emails. */
export const ownFilters = <Filters extends EmailFilters>(
  { userId, mailboxId }: Ownership,
  filters: Filters,
): Filters => ({
  ...filters,
  own: { userId, mailboxId },
});
