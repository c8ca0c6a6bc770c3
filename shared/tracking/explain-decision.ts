import type { Readable } from 'node:stream';
import { type Email, emailKind } from '../email/email.ts';
import { findBody } from '../email/mime/header-fields.ts';
import { readMessageHeaders } from '../email/mime/message-headers.ts';
import { requireMailbox } from '../mailbox/mailbox-context.ts';
import { type VisitContext, visitMailbox } from '../mailbox/visit-mailbox.ts';
import type { ContentStore } from '../platform/content-store.ts';
import { FaultError } from '../platform/fault.ts';
import { type ServerProfile, serverProfileKind } from '../server-profile/server-profile.ts';
import { decideMessage, endEarly, unreadableStep, type Verdict } from './decide-message.ts';
import type { Decision } from './decision.ts';
import { takeEarlySteps } from './early-steps.ts';
import { findMessage } from './find-message.ts';
import { gatherFacts } from './gather-facts.ts';
import { ItemError, ofItem } from './item-error.ts';
import { identityOf, type MailboxMessage } from './mailbox-message.ts';
import { findProcessFrom } from './process-from.ts';
import { createTrackingContext } from './tracking-context.ts';
import type { TrackingOwner } from './tracking-owner.ts';
import type { TrackingContext } from './tracking-run.ts';
import { unwrapForward } from './unwrap-forward.ts';

export interface ExplainContext extends VisitContext {
  readonly content: ContentStore;
}

/** Longer headers are an attack; what stands behind does not change a decision. */
const headerBytes = 1024 * 1024;

const readHeader = async (stream: Readable): Promise<Buffer> => {
  const pieces: Buffer[] = [];
  let length = 0;
  for await (const piece of stream as AsyncIterable<Buffer>) {
    pieces.push(piece);
    length += piece.length;
    const read = Buffer.concat(pieces);
    const { headerEnd } = findBody(read, 0, read.length);
    if (headerEnd < read.length || length >= headerBytes) {
      stream.destroy();
      return read.subarray(0, headerEnd);
    }
  }
  return Buffer.concat(pieces);
};

/** The header of a message that became an email is kept with it. */
const fromEmail = async (
  { content }: ExplainContext,
  decision: Decision,
  email: Email,
): Promise<MailboxMessage | undefined> => {
  const stream = email.rawKey === null ? undefined : await content.stream(email.rawKey);
  if (stream === undefined) return undefined;
  return {
    folder: decision.folder,
    direction: email.direction,
    uidValidity: decision.uidValidity ?? '',
    uid: decision.uid ?? 0,
    sizeBytes: email.sizeBytes,
    receivedAt: new Date(decision.receivedAt),
    isArrival: false,
    headers: readMessageHeaders(await readHeader(stream)),
  };
};

/** What a decision is taken of again: the message, and for whom it came in where the mailbox belongs to nobody. */
interface Explained {
  readonly message: MailboxMessage;
  readonly forwarder?: TrackingOwner | undefined;
}

/** Of mail that is not tracked only the decision is kept: its header is read in the mailbox again. */
const fromMailbox = async (
  context: ExplainContext,
  tracking: TrackingContext,
  decision: Decision,
): Promise<Explained | Verdict> => {
  const { folder, uidValidity, uid, messageId, fromAddress } = decision;
  const place = uidValidity === undefined || uid === undefined ? {} : { place: { folder, uidValidity, uid } };
  const isForward = tracking.mailbox.kind === 'forward';
  // Of a message of a forward mailbox the decision tells what it carries.
  const wanted = isForward ? { messageId: null, ...place } : { messageId, fromAddress, ...place };
  const found = await visitMailbox(context, decision.mailboxId, async (session) => {
    const message = await findMessage(session, wanted);
    if (message === undefined || !isForward) return message === undefined ? undefined : { message };
    const limit = context.organization.settings.tracking.maxMessageBytes;
    const raw = await session.fetchMessage(message.folder, message.uid, message.sizeBytes, limit);
    return raw === undefined ? undefined : unwrapForward(tracking, message, raw);
  });
  if (found === undefined)
    throw new FaultError('invalidState', {
      detail: 'The message is no longer in the mailbox, and of mail that is not tracked nothing else is kept',
      cause: 'It was deleted',
      fix: 'Read the decision as it was taken',
    });
  return found;
};

const decide = async (context: TrackingContext, message: MailboxMessage, own: string | null): Promise<Verdict> => {
  const earlySteps = ofItem(() => takeEarlySteps(message, context.processFrom, context.organization.settings.tracking));
  const early = endEarly(earlySteps);
  if (early !== undefined) return early;
  const identity = identityOf(message.headers);
  const known = identity === undefined ? undefined : await context.lookups.trackedEmail(message.direction, identity);
  // As if it came for the first time: its own email does not stand in its way.
  const facts = await gatherFacts(context, message, known === own ? undefined : known);
  return ofItem(() => decideMessage(facts, earlySteps));
};

const withOwner = (tracking: TrackingContext, { forwarder }: Explained): TrackingContext =>
  forwarder === undefined ? tracking : { ...tracking, mailboxOwner: async () => forwarder };

const codeOf = (verdict: Verdict): string | null =>
  verdict.outcome === 'skipped' ? verdict.code : verdict.outcome === 'duplicate' ? 'duplicate' : null;

/**
 * What would be decided about the message of a decision if it came in now. Nothing changes.
 *
 * @throws FaultError notFound; invalidState and unavailable when the message cannot be looked at
 */
export const explainDecision = async (context: ExplainContext, decision: Decision): Promise<Decision> => {
  const { store, organization, now } = context;
  const mailbox = await requireMailbox(context, decision.mailboxId);
  const profile: ServerProfile | undefined =
    mailbox.serverProfileId === null
      ? undefined
      : await store.get(serverProfileKind, organization.id, mailbox.serverProfileId);
  const email = decision.emailId === null ? undefined : await store.get(emailKind, organization.id, decision.emailId);
  const kept = email === undefined ? undefined : await fromEmail(context, decision, email);
  const processFrom = profile === undefined ? null : findProcessFrom(mailbox, profile);
  const tracking = createTrackingContext(context, organization, mailbox, processFrom);
  const explained = kept === undefined ? await fromMailbox(context, tracking, decision) : { message: kept };
  const own = decision.outcome === 'duplicate' ? null : decision.emailId;
  const shown = { ...decision, decidedAt: now().toISOString(), settingsVersion: organization.settingsVersion };
  try {
    const verdict =
      'outcome' in explained ? explained : await decide(withOwner(tracking, explained), explained.message, own);
    const emailId = verdict.outcome === 'duplicate' ? verdict.emailId : verdict.outcome === 'tracked' ? own : null;
    return { ...shown, outcome: verdict.outcome, code: codeOf(verdict), emailId, steps: [...verdict.steps] };
  } catch (error) {
    if (!(error instanceof ItemError)) throw error;
    const steps = [unreadableStep(error.message)];
    return { ...shown, outcome: 'setAside', code: 'unreadable', emailId: null, steps };
  }
};
