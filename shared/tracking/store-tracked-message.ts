import { type Email, emailKind, type LeftOutFile } from '../email/email.ts';
import { emailContentPrefix, rawKeyOf, storeBody } from '../email/email-body.ts';
import { ownerListingWrites } from '../email/email-listing.ts';
import { conversationKey, messageIdKey, messageKey } from '../email/message-identity.ts';
import { type ReadMessage, readMessage } from '../email/mime/read-message.ts';
import { subjectWrites } from '../email/subject-index.ts';
import { trackedChange } from '../email/tracked-event.ts';
import type { Organization } from '../organization/organization.ts';
import { type RecordWrite, WriteConditionError } from '../platform/records-table.ts';
import { crmRecordKind } from '../record/record.ts';
import { createSender, type NewSender, wantsNewSender } from './auto-create-sender.ts';
import { buildEmail, type EmailContent, emailIdOf, queuesOf, type Tracked } from './build-email.ts';
import { type DecisionFacts, decideMessage, type Verdict } from './decide-message.ts';
import { type DecisionStep, decisionKind } from './decision.ts';
import type { StepOutcome } from './decision-steps.ts';
import { decisionWrite } from './decision-writes.ts';
import { showBytes } from './early-steps.ts';
import { forgetDeletedEmail } from './forget-deleted-email.ts';
import { gatherFacts } from './gather-facts.ts';
import { standsForSentCopy } from './internal-mail.ts';
import { ItemError, ofItem } from './item-error.ts';
import { keepFiles } from './keep-files.ts';
import { contentIdentity, identityOf, type MailboxMessage } from './mailbox-message.ts';
import { queueItemWrites } from './queue-items.ts';
import type { TrackingContext } from './tracking-run.ts';
import { tellApart } from './twin-message.ts';

const attempts = 6;

/** Puts raw bytes, body and files into the content bucket: before the email that refers to them. */
const storeContent = async (
  run: TrackingContext,
  message: MailboxMessage,
  raw: Buffer,
  read: ReadMessage,
): Promise<EmailContent> => {
  const { organization, mailbox, content } = run;
  const emailId = emailIdOf(mailbox.id, message);
  const body = {
    ...(read.html === undefined ? {} : { html: read.html }),
    ...(read.text === undefined ? {} : { text: read.text }),
  };
  const [stored] = await Promise.all([
    storeBody(content, organization.id, emailId, body),
    content.put(rawKeyOf(organization.id, emailId), raw, 'message/rfc822'),
  ]);
  const { attachments, leftOut } = await keepFiles(content, organization, emailId, message.receivedAt, read.files);
  return { read, rawBytes: raw.length, body: stored, attachments, leftOut };
};

/** Files that were left out are told with the size, where people look for what the limits did. */
const withLeftOut = (steps: readonly DecisionStep[], leftOut: readonly LeftOutFile[]): readonly DecisionStep[] => {
  if (leftOut.length === 0) return steps;
  const named = leftOut.map(({ fileName, sizeBytes, code }) => `${fileName} (${showBytes(sizeBytes)}, ${code})`);
  return steps.map((step) =>
    step.step === 'size' ? { ...step, detail: `${step.detail}; only in the raw message: ${named.join(', ')}` } : step,
  );
};

/** What answers to the email are found by, besides its token, which only email of our own has. */
const pointerWrites = (organization: Organization, email: Email): RecordWrite[] => {
  const { id, messageId, conversationIndex } = email;
  const pointer = { v: 1, organizationId: organization.id, emailId: id };
  return [
    ...(messageId === null
      ? []
      : [{ put: { ...messageIdKey(organization.id, messageId, id), kind: 'messageId', ...pointer } }]),
    ...(conversationIndex === undefined
      ? []
      : [{ put: { ...conversationKey(organization.id, conversationIndex, id), kind: 'conversation', ...pointer } }]),
    ...subjectWrites(organization, email),
  ];
};

/** Makes a message known as the one that became this email. */
const identityWrite = (
  organizationId: string,
  direction: MailboxMessage['direction'],
  identity: string,
  emailId: string,
): RecordWrite => ({
  put: { ...messageKey(organizationId, direction, identity), v: 1, kind: 'message', organizationId, emailId },
  condition: { expression: 'attribute_not_exists(pk)' },
});

/**
 * Besides its own: a received message that stands for the Sent copy is known as that, too, so that of both there is one
 * email whichever is read first. What is known as sent already keeps it: then it is decided anew, or its email is gone.
 */
const directionsOf = async (
  { lookups, organization }: TrackingContext,
  { message, participants, mailboxOwner }: DecisionFacts,
  identity: string,
): Promise<readonly MailboxMessage['direction'][]> => {
  const { direction } = message;
  if (!standsForSentCopy(message, participants, mailboxOwner, organization.settings.internalMail)) return [direction];
  return (await lookups.trackedEmail('outgoing', identity)) === undefined ? [direction, 'outgoing'] : [direction];
};

/** Most messages are their owner's where they were found. */
const listingsFor = async (
  { store, organization, mailbox }: TrackingContext,
  { message, mailboxOwner }: DecisionFacts,
  { owner }: Tracked,
): Promise<RecordWrite[]> =>
  owner === null || owner.id === mailboxOwner?.id
    ? []
    : ownerListingWrites(store, organization.id, {
        id: emailIdOf(mailbox.id, message),
        mailboxId: mailbox.id,
        ownerId: owner.id,
      });

const trackingWrites = (
  run: TrackingContext,
  facts: DecisionFacts,
  verdict: Tracked,
  known: { readonly identity: string; readonly directions: readonly MailboxMessage['direction'][] },
  content: EmailContent,
  { takenSenders, goneEmailId }: { readonly takenSenders: number; readonly goneEmailId: string | undefined },
): RecordWrite[] => {
  const { organization, mailbox, store, author } = run;
  const { message, participants } = facts;
  const now = run.now();
  const { sender } = participants;
  const newSender: NewSender | undefined =
    sender !== null && wantsNewSender(facts, verdict.acceptedBy)
      ? createSender(store, organization, sender.address, verdict.owner, author, now, takenSenders)
      : undefined;
  const email = buildEmail(organization, mailbox.id, facts, verdict, content, newSender?.entry, now);
  const steps = withLeftOut(verdict.steps, content.leftOut);
  return [
    ...known.directions.map((direction) => identityWrite(organization.id, direction, known.identity, email.id)),
    ...store.writesOf(emailKind, organization.id, undefined, email, {
      changes: [trackedChange(email, author)],
    }),
    ...pointerWrites(organization, email),
    ...(newSender?.writes ?? []),
    ...queueItemWrites(organization.id, email.id, queuesOf(facts, verdict), author, now),
    decisionWrite(
      store,
      organization,
      mailbox,
      message,
      { outcome: 'tracked', code: null, emailId: email.id, steps, goneEmailId },
      now,
    ),
  ];
};

/**
 * Stores an accepted message: its content first, then email, identity, decision and what belongs to them in one
 * transaction. When another mailbox was faster, or the sender has just become a record, it is decided anew.
 *
 * @returns the verdict that holds in the end; nothing is stored unless it is `tracked`
 * @throws ItemError when it cannot be read, or comes upon something that stands in its place however often it is tried
 */
export const storeTrackedMessage = async (
  run: TrackingContext,
  first: { readonly facts: DecisionFacts; readonly verdict: Tracked },
  earlySteps: readonly StepOutcome[],
  raw: Buffer,
): Promise<Verdict> => {
  let { message } = first.facts;
  const { direction, headers } = message;
  const read = ofItem(() => readMessage(raw));
  const identity = identityOf(headers) ?? contentIdentity(headers, raw);
  let { facts, verdict }: { facts: DecisionFacts; verdict: Verdict } = first;
  if (headers.messageId === null) {
    // Only now is it known what the message is the same as.
    if (message.manual?.bringsBack === true) await forgetDeletedEmail(run, direction, identity);
    facts = { ...facts, trackedEmailId: await run.lookups.trackedEmail(direction, identity) };
    verdict = decideMessage(facts, earlySteps);
  }
  if (verdict.outcome !== 'tracked') return verdict;
  const content = await storeContent(run, message, raw, read);
  let takenSenders = 0;
  let goneEmailId: string | undefined;
  for (let attempt = 1; verdict.outcome === 'tracked'; attempt += 1) {
    const accepted: Tracked = verdict;
    const present = facts;
    const known = { identity, directions: await directionsOf(run, present, identity) };
    const listings = await listingsFor(run, present, accepted);
    const writes = ofItem(() => trackingWrites(run, present, accepted, known, content, { takenSenders, goneEmailId }));
    try {
      await run.store.table.write([...writes, ...listings]);
      return verdict;
    } catch (error) {
      if (!(error instanceof WriteConditionError)) throw error;
      if (attempt === attempts) throw new ItemError(error);
      if (error.failures.some((failure) => failure?.item?.['kind'] === crmRecordKind.kind)) takenSenders += 1;
      const standing = error.failures.find((failure) => failure?.item?.['kind'] === decisionKind.kind)?.item;
      if (standing !== undefined) ({ message, goneEmailId } = await tellApart(run, message, identity, standing));
    } finally {
      // An unknown sender is a record now, made here or by another run.
      if (headers.from !== null && wantsNewSender(present, accepted.acceptedBy))
        run.lookups.forget(headers.from.address);
    }
    facts = await gatherFacts(run, message, await run.lookups.trackedEmail(direction, identity));
    verdict = decideMessage(facts, earlySteps);
  }
  await discardContent(run, message, verdict);
  return verdict;
};

/** The content of an email that another mailbox stored first. */
const discardContent = async (run: TrackingContext, message: MailboxMessage, verdict: Verdict): Promise<void> => {
  const emailId = emailIdOf(run.mailbox.id, message);
  // After a crash the email that stands there may be this one: then its content stays.
  if (verdict.outcome === 'duplicate' && verdict.emailId === emailId) return;
  await run.content.removeAll(emailContentPrefix(run.organization.id, emailId));
};
