import { mailboxKind } from '../mailbox/mailbox.ts';
import type { Operation, OperationDependencies } from '../operation/operation.ts';
import { finishOperation } from '../operation/run-operation.ts';
import { type Organization, organizationKind } from '../organization/organization.ts';
import type { Author } from '../platform/change.ts';
import { systemAuthor } from '../platform/change.ts';
import type { ContentStore } from '../platform/content-store.ts';
import { createFault, type Fault, FaultError } from '../platform/fault.ts';
import { recordKey } from '../platform/records-table.ts';
import { offerGivenUp } from '../rejection/offer-again.ts';
import { decisionKind } from '../tracking/decision.ts';
import { decisionIdOf } from '../tracking/decision-writes.ts';
import { ItemError, isRefusedItem } from '../tracking/item-error.ts';
import type { MailboxMessage } from '../tracking/mailbox-message.ts';
import { noteVerdict } from '../tracking/note-verdict.ts';
import { type ReplayOutcome, replayMessage, tellOutcome } from '../tracking/replay-message.ts';
import { createTrackingContext } from '../tracking/tracking-context.ts';
import type { TrackingContext } from '../tracking/tracking-run.ts';
import { unwrapForward } from '../tracking/unwrap-forward.ts';
import { closeDeadLetter } from './close-dead-letter.ts';
import { type DeadLetter, deadLetterExpiry, deadLetterKind } from './dead-letter.ts';
import { messageOfLetter } from './message-of-letter.ts';
import { endsProcesses, noteReplayBegun, noteReplayEnded } from './unended-replays.ts';

export interface ReplayDependencies extends OperationDependencies {
  readonly content: ContentStore;
}

export interface Replayed {
  /** What became of the message: tracked, skipped or duplicate; `resolved` when that was so before. */
  readonly outcome: string;
  readonly emailId?: string;
}

const notePersistence = async (
  { store, now }: ReplayDependencies,
  organizationId: string,
  letter: DeadLetter,
  fault: Fault,
): Promise<void> => {
  await store.update(
    deadLetterKind,
    organizationId,
    letter.id,
    ({ unended: _unended, ...current }) =>
      current.status === 'open'
        ? {
            next: { ...current, attempts: current.attempts + 1, lastAt: now().toISOString(), fault },
            expiresAt: deadLetterExpiry(current),
          }
        : undefined,
    { now },
  );
};

/** A message set aside unparsed has its decision under another name than the one it gets once its header is read. */
const removeOldDecision = async (
  { store }: ReplayDependencies,
  organizationId: string,
  letter: DeadLetter,
  message: MailboxMessage,
): Promise<void> => {
  if (letter.decisionId === decisionIdOf(letter.mailboxId, message)) return;
  await store.table.write([{ remove: recordKey(organizationId, decisionKind.kind, letter.decisionId) }]);
};

/** What was set aside in a forward mailbox carries the message that is decided about. */
const replayForwarded = async (
  context: TrackingContext,
  outer: MailboxMessage,
  raw: Buffer,
): Promise<ReplayOutcome> => {
  const unwrapped = await unwrapForward(context, outer, raw);
  if ('outcome' in unwrapped) return { outcome: await noteVerdict(context, outer, unwrapped) };
  const { message, forwarder, raw: original } = unwrapped;
  return replayMessage({ ...context, mailboxOwner: async () => forwarder }, message, original);
};

const decide = async (
  dependencies: ReplayDependencies,
  organization: Organization,
  letter: DeadLetter,
  author: Author,
): Promise<Replayed> => {
  const { store, content, now } = dependencies;
  const mailbox = await store.get(mailboxKind, organization.id, letter.mailboxId);
  const stored = await content.read(letter.rawKey);
  if (mailbox === undefined || stored === undefined || stored.byteLength === 0)
    throw new FaultError('invalidState', { detail: 'The mailbox or the bytes of the message are gone' });
  const raw = Buffer.from(stored.buffer, stored.byteOffset, stored.byteLength);
  const message = messageOfLetter(letter, raw);
  const context = { ...createTrackingContext({ store, content, now }, organization, mailbox, null), author };
  const { outcome, emailId } =
    mailbox.kind === 'forward'
      ? await replayForwarded(context, message, raw)
      : await replayMessage(context, message, raw);
  await removeOldDecision(dependencies, organization.id, letter, message);
  return { outcome: tellOutcome(outcome), ...(emailId === undefined ? {} : { emailId }) };
};

/** What the CRM refused again and again is told once more, and the CRM may refuse it as often as before. */
const offerEvent = async (
  dependencies: ReplayDependencies,
  organization: Organization,
  { emailId = '' }: DeadLetter,
): Promise<Replayed> => {
  if (!(await offerGivenUp(dependencies, organization, emailId)))
    throw new FaultError('invalidState', { detail: 'The email is gone or no longer tracked' });
  return { outcome: 'offered', emailId };
};

/**
 * Decides about a message that was set aside, by today's settings, and ends its dead letter. Can be repeated: the email
 * exists once.
 *
 * @throws FaultError notFound; invalidState when it was discarded or its bytes are gone; unreadable when the message
 * still cannot be worked with
 */
export const replayDeadLetter = async (
  dependencies: ReplayDependencies,
  organization: Organization,
  id: string,
): Promise<Replayed> => {
  const letter = await dependencies.store.get(deadLetterKind, organization.id, id);
  if (letter === undefined) throw new FaultError('notFound');
  if (letter.status === 'resolved') return { outcome: 'resolved' };
  if (letter.status === 'discarded') throw new FaultError('invalidState', { detail: 'The dead letter is discarded' });
  const refuse = async (detail: string): Promise<never> => {
    await notePersistence(dependencies, organization.id, letter, createFault('unreadable', { detail }));
    throw new FaultError('unreadable', { detail });
  };
  // So that what comes behind it is replayed; asked for anew it is tried again.
  if (endsProcesses(letter)) return refuse('Replaying it ended the process');
  const author: Author = { origin: 'mailbox', actor: { type: 'mailbox', id: letter.mailboxId } };
  const { table } = dependencies.store;
  await noteReplayBegun(table, organization.id, id);
  try {
    const replayed =
      letter.kind === 'event'
        ? await offerEvent(dependencies, organization, letter)
        : await decide(dependencies, organization, letter, author);
    await closeDeadLetter({ ...dependencies, author: systemAuthor }, organization.id, id, { status: 'resolved' });
    return replayed;
  } catch (error) {
    if (error instanceof ItemError || isRefusedItem(error))
      return refuse(error instanceof Error ? error.message : String(error));
    await Promise.allSettled([noteReplayEnded(table, organization.id, id)]);
    throw error;
  }
};

/** The operation that replays one dead letter. */
export const runReplay = async (
  dependencies: ReplayDependencies,
  organizationId: string,
  operation: Operation,
): Promise<void> => {
  const organization = await dependencies.store.get(organizationKind, organizationId, organizationId);
  if (organization === undefined) return;
  const end = (outcome: Parameters<typeof finishOperation>[3]) =>
    finishOperation(dependencies, organizationId, operation.id, outcome);
  try {
    await end({
      status: 'succeeded',
      result: { ...(await replayDeadLetter(dependencies, organization, operation.subject.id)) },
    });
  } catch (error) {
    if (!(error instanceof FaultError)) throw error;
    await end({ status: 'failed', fault: error.fault });
  }
};
