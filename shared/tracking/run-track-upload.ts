import * as z from 'zod';
import type { LaneVerdict } from '../cycle/run-lane-batch.ts';
import { resolveLettersOf } from '../dead-letter/resolve-letters-of.ts';
import { findBody, readHeaderFields } from '../email/mime/header-fields.ts';
import { readMailDate } from '../email/mime/mail-date.ts';
import { interpretFields } from '../email/mime/message-headers.ts';
import { loginName } from '../mailbox/login-name.ts';
import { type Mailbox, mailboxKind } from '../mailbox/mailbox.ts';
import { goOnLater } from '../operation/go-on-later.ts';
import type { Operation, OperationDependencies } from '../operation/operation.ts';
import { finishOperation } from '../operation/run-operation.ts';
import { organizationKind } from '../organization/organization.ts';
import { normalizeAddress } from '../platform/address.ts';
import type { ContentStore } from '../platform/content-store.ts';
import { createFault } from '../platform/fault.ts';
import { findFormerDecision } from './former-decisions.ts';
import { ItemError, isRefusedItem } from './item-error.ts';
import type { MailboxMessage } from './mailbox-message.ts';
import { endOf, manualOf, trackMessageInputSchema } from './run-track-message.ts';
import { trackOnRequest } from './track-on-request.ts';
import { createTrackingContext } from './tracking-context.ts';

export const trackUploadInputSchema = z.object({
  ...trackMessageInputSchema.pick({ mailboxId: true, regarding: true, createContact: true }).shape,
  sizeBytes: z.number().int(),
});

interface UploadDependencies extends OperationDependencies {
  readonly content: ContentStore;
}

/** Where the raw message of an operation is uploaded to. */
export const uploadKeyOf = (organizationId: string, operationId: string): string =>
  `${organizationId}/uploads/${operationId}.eml`;

/** As long as the upload URL is valid, and a little for the way. */
export const uploadPatienceSeconds = 3_700;
const longestWaitSeconds = 30;
/** The last server on the way writes its time in whole seconds, and the mailbox its own. */
const receivedMarginMilliseconds = 5_000;

/** When the last server on the way took the message (RFC 5321 section 4.4), which nobody but that server says. */
const readReceivedAt = (raw: Buffer, headerEnd: number, latest: Date): Date => {
  const fields = readHeaderFields(raw.subarray(0, headerEnd));
  const { date } = interpretFields(fields);
  const received = fields.find(({ name }) => name === 'received')?.value ?? '';
  const at = readMailDate(received.slice(received.lastIndexOf(';') + 1)) ?? date ?? latest;
  return at > latest ? latest : at;
};

const sentBy = (mailbox: Mailbox, address: string | undefined): boolean =>
  address !== undefined &&
  [mailbox.emailAddress, loginName(mailbox)].some(
    (own) => own != null && normalizeAddress(own) === normalizeAddress(address),
  );

const toMessage = (mailbox: Mailbox, raw: Buffer, operation: Operation): MailboxMessage => {
  const { headerEnd } = findBody(raw, 0, raw.length);
  const headers = interpretFields(readHeaderFields(raw.subarray(0, headerEnd)));
  return {
    // It stands in no folder that the hub can see.
    folder: '',
    uidValidity: '',
    uid: 0,
    direction: sentBy(mailbox, headers.from?.address) ? 'outgoing' : 'incoming',
    sizeBytes: raw.length,
    receivedAt: readReceivedAt(raw, headerEnd, new Date(operation.createdAt)),
    isArrival: false,
    headers,
  };
};

/** The operation that waits for the raw bytes of a message and tracks it. Can be repeated. */
export const runTrackUpload = async (
  deps: UploadDependencies,
  organizationId: string,
  operation: Operation,
  delivery: { readonly receiveCount: number },
): Promise<LaneVerdict> => {
  const { store, content, now } = deps;
  const input = trackUploadInputSchema.parse(operation.input);
  const key = uploadKeyOf(organizationId, operation.id);
  const end = async (outcome: Parameters<typeof finishOperation>[3]): Promise<LaneVerdict> => {
    await finishOperation(deps, organizationId, operation.id, outcome);
    await content.removeAll(key);
    return { done: true };
  };
  if ((await content.size(key)) !== input.sizeBytes) {
    const waited = (now().getTime() - Date.parse(operation.createdAt)) / 1000;
    if (waited > uploadPatienceSeconds)
      return end({
        status: 'failed',
        fault: createFault('timedOut', { detail: 'The message was not uploaded', fix: 'Ask for an upload again' }),
      });
    const waitSeconds = Math.max(1, Math.min(longestWaitSeconds, Math.round(waited / 4)));
    return goOnLater(deps, { organizationId, id: operation.id, group: operation.id }, delivery, waitSeconds);
  }
  const [organization, mailbox, stored] = await Promise.all([
    store.get(organizationKind, organizationId, organizationId),
    store.get(mailboxKind, organizationId, input.mailboxId),
    content.read(key),
  ]);
  if (organization === undefined || mailbox === undefined || stored === undefined)
    return end({ status: 'failed', fault: createFault('invalidState', { detail: 'The mailbox is gone' }) });
  const raw = Buffer.from(stored.buffer, stored.byteOffset, stored.byteLength);
  try {
    const context = createTrackingContext(deps, organization, mailbox, null);
    const message = toMessage(mailbox, raw, operation);
    const previous = await findFormerDecision(context, message, receivedMarginMilliseconds);
    const manual = manualOf(input, 'somebody uploaded this message');
    const outcome = await trackOnRequest(context, { ...message, previous, manual }, raw);
    if (outcome.outcome !== 'skipped' && previous !== undefined)
      await resolveLettersOf(deps, organizationId, {
        mailboxId: mailbox.id,
        receivedAt: new Date(previous.receivedAt),
        decisionId: previous.id,
        place: message,
      });
    return end(endOf(outcome));
  } catch (error) {
    if (!(error instanceof ItemError) && !isRefusedItem(error)) throw error;
    const detail = error instanceof Error ? error.message : String(error);
    return end({ status: 'failed', fault: createFault('unreadable', { detail }) });
  }
};
