import { findForwardedMessage } from '../email/mime/forwarded-message.ts';
import { findBody } from '../email/mime/header-fields.ts';
import { readMessageHeaders } from '../email/mime/message-headers.ts';
import { type Mailbox, mailboxKind } from '../mailbox/mailbox.ts';
import { queueKind, userKind } from '../owner/owner.ts';
import type { EntityStore } from '../platform/entity-store.ts';
import type { Verdict } from './decide-message.ts';
import { fail, type StepOutcome } from './decision-steps.ts';
import { findInternalSender } from './internal-mail.ts';
import type { MailboxMessage } from './mailbox-message.ts';
import type { TrackingOwner } from './tracking-owner.ts';
import type { TrackingContext } from './tracking-run.ts';

/** What a forwarded message holds: the original, as if it had come in at the mailbox of whoever forwarded it. */
export interface Unwrapped {
  readonly message: MailboxMessage;
  readonly raw: Buffer;
  readonly forwarder: TrackingOwner;
}

const findMailbox = async (
  store: EntityStore,
  organizationId: string,
  { type, id }: TrackingOwner,
): Promise<Mailbox | undefined> => {
  const owner =
    type === 'queue' ? await store.get(queueKind, organizationId, id) : await store.get(userKind, organizationId, id);
  return owner === undefined ? undefined : store.get(mailboxKind, organizationId, owner.mailboxId);
};

const refused = ({ step, code }: StepOutcome): Verdict => ({
  outcome: 'skipped',
  steps: [step],
  code: code ?? 'noRecipientMatch',
});

/** Who forwarded it: a user or queue whose method is `forward`. Anyone else could bring in any message he likes. */
const findForwarder = async (
  { lookups, store, organization }: TrackingContext,
  outer: MailboxMessage,
): Promise<TrackingOwner | StepOutcome> => {
  const address = outer.headers.from?.address ?? 'nobody';
  const entry = findInternalSender(await lookups.participants(outer.headers));
  const owner = entry === undefined ? undefined : await lookups.owner(entry.id);
  if (owner === undefined || !owner.active)
    return fail('recipients', 'noRecipientMatch', `forwarded by ${address}, who is no active user or queue`);
  const mailbox = await findMailbox(store, organization.id, owner);
  return mailbox?.workloads.incoming.method === 'forward'
    ? owner
    : fail('recipients', 'noRecipientMatch', `forwarded by ${owner.name}, whose incoming method is not forward`);
};

/** Takes the original out of a message of a forward mailbox, or says why there is none to be tracked. */
export const unwrapForward = async (
  context: TrackingContext,
  outer: MailboxMessage,
  raw: Buffer,
): Promise<Unwrapped | Verdict> => {
  const forwarder = await findForwarder(context, outer);
  if ('step' in forwarder) return refused(forwarder);
  const original = findForwardedMessage(raw);
  if (original === undefined)
    return refused(fail('recipients', 'notAttached', `${forwarder.name} forwarded it without the original attached`));
  const headers = readMessageHeaders(original.subarray(0, findBody(original, 0, original.length).headerEnd));
  return { forwarder, raw: original, message: { ...outer, headers, sizeBytes: original.length } };
};
