import * as z from 'zod';
import { withUploadedStates } from '../../shared/email/attachments.ts';
import { type Email, emailKind } from '../../shared/email/email.ts';
import { presentEmail, presentEmailWithBody } from '../../shared/email/present-email.ts';
import { loadReadableBody } from '../../shared/email/readable-body.ts';
import { withNextCycle } from '../../shared/email/waiting-send.ts';
import { FaultError } from '../../shared/platform/fault.ts';
import { resolveIdentifier } from '../../shared/platform/resolve-identifier.ts';
import type { Caller, OrganizationContext } from './route.ts';

/** Of every route below an email. */
export const emailPathSchema = z.strictObject({
  emailId: z.string().meta({ description: 'An id, or ext: and the externalId.' }),
});

type EmailRequest = OrganizationContext<z.output<typeof emailPathSchema>, unknown, unknown>;

/** @throws FaultError notFound */
export const resolveEmailId = ({
  services: { store },
  organization,
  path,
}: Pick<EmailRequest, 'services' | 'organization' | 'path'>): Promise<string> =>
  resolveIdentifier(store, organization.id, emailKind.kind, emailKind.prefix, path.emailId);

/** @throws FaultError notFound */
export const requireEmail = async (
  request: Pick<EmailRequest, 'services' | 'organization' | 'path'>,
): Promise<Email> => {
  const { services, organization } = request;
  const email = await services.store.get(emailKind, organization.id, await resolveEmailId(request));
  if (email === undefined) throw new FaultError('notFound');
  return email;
};

/** A reader gets mail without its bodies, raw message and attachments. */
export const seesContent = (caller: Caller): boolean => caller.type === 'key' && caller.role !== 'reader';

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
