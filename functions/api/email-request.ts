import * as z from 'zod';
import { withUploadedStates } from '../../shared/email/attachments.ts';
import { type Email, emailKind } from '../../shared/email/email.ts';
import { isOwnEmail } from '../../shared/email/own-email.ts';
import { presentEmail, presentEmailWithBody } from '../../shared/email/present-email.ts';
import { loadReadableBody } from '../../shared/email/readable-body.ts';
import { withNextCycle } from '../../shared/email/waiting-send.ts';
import { FaultError } from '../../shared/platform/fault.ts';
import { resolveIdentifier } from '../../shared/platform/resolve-identifier.ts';
import { ownershipOf } from './ownership.ts';
import type { Caller, OrganizationContext } from './route.ts';

/** Of every route below an email. */
export const emailPathSchema = z.strictObject({
  emailId: z.string().meta({ description: 'An id, or ext: and the externalId.' }),
});

type EmailRequest = OrganizationContext<z.output<typeof emailPathSchema>, unknown, unknown>;

type AddressedEmail = Pick<EmailRequest, 'services' | 'organization' | 'path' | 'caller'>;

/** @throws FaultError notFound */
export const requireEmail = async ({
  services: { store },
  organization,
  path,
  caller,
}: AddressedEmail): Promise<Email> => {
  const id = await resolveIdentifier(store, organization.id, emailKind.kind, emailKind.prefix, path.emailId);
  const email = await store.get(emailKind, organization.id, id);
  const ownership = ownershipOf(caller);
  if (email === undefined || (ownership !== undefined && !isOwnEmail(ownership, email)))
    throw new FaultError('notFound');
  return email;
};

/** @throws FaultError notFound */
export const resolveEmailId = async (request: AddressedEmail): Promise<string> => {
  const { services, organization, path, caller } = request;
  if (ownershipOf(caller) !== undefined) return (await requireEmail(request)).id;
  return resolveIdentifier(services.store, organization.id, emailKind.kind, emailKind.prefix, path.emailId);
};

/** A reader gets mail without its bodies, raw message and attachments. */
export const seesContent = (caller: Caller): boolean => caller.type !== 'operator' && caller.role !== 'reader';

/** The email as this caller may see it. */
export const showEmail = async (
  { services, caller }: Pick<EmailRequest, 'services' | 'caller'>,
  email: Email,
  fields?: 'summary',
) =>
  fields === 'summary' || !seesContent(caller)
    ? presentEmail(email)
    : presentEmailWithBody(email, await loadReadableBody(services.content, email));

/** As showEmail, with what only the content bucket and the mailbox's cycle know: for one email at a time. */
export const showEmailNow = async (request: EmailRequest, email: Email, fields?: 'summary') => {
  const { services, organization } = request;
  const attachments = await withUploadedStates(services.content, email.attachments);
  return showEmail(
    request,
    await withNextCycle(services.cycles, organization.id, { ...email, attachments }, services.now()),
    fields,
  );
};
