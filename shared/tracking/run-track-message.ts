import * as z from 'zod';
import type { LaneVerdict } from '../cycle/run-lane-batch.ts';
import { readSetAside, resolveLettersOf } from '../dead-letter/resolve-letters-of.ts';
import type { Mailbox } from '../mailbox/mailbox.ts';
import { type InMailboxDelivery, type InMailboxDependencies, runInMailbox } from '../mailbox/run-in-mailbox.ts';
import type { Operation } from '../operation/operation.ts';
import { finishOperation } from '../operation/run-operation.ts';
import type { ContentStore } from '../platform/content-store.ts';
import { createFault } from '../platform/fault.ts';
import { referenceSchema } from '../platform/values.ts';
import type { MailboxSession } from '../transport/mailbox-session.ts';
import { endEarly } from './decide-message.ts';
import { type Decision, decisionKind } from './decision.ts';
import { takeEarlySteps } from './early-steps.ts';
import { findMessage, type WantedMessage } from './find-message.ts';
import { findFormerDecision } from './former-decisions.ts';
import { ItemError, isRefusedItem } from './item-error.ts';
import type { MailboxMessage } from './mailbox-message.ts';
import type { ManualTracking } from './manual-tracking.ts';
import { markTracked } from './mark-tracked.ts';
import { noteVerdict } from './note-verdict.ts';
import { type ReplayOutcome, tellOutcome } from './replay-message.ts';
import { setAsideMessage } from './set-aside-message.ts';
import { trackOnRequest } from './track-on-request.ts';
import { createTrackingContext } from './tracking-context.ts';
import type { TrackingContext, TrackingRun } from './tracking-run.ts';
import { unwrapForward } from './unwrap-forward.ts';

/** Which message is to be tracked, and how. */
export const trackMessageInputSchema = z.object({
  mailboxId: z.string(),
  /** The decision that is to be taken again. */
  decisionId: z.string().optional(),
  place: z.object({ folder: z.string(), uidValidity: z.string(), uid: z.number().int() }).optional(),
  messageId: z.string().nullable(),
  fromAddress: z.string().nullable().optional(),
  regarding: referenceSchema.nullable(),
  createContact: z.boolean().optional(),
});
export type TrackMessageInput = z.output<typeof trackMessageInputSchema>;

export interface TrackDependencies extends InMailboxDependencies {
  readonly content: ContentStore;
}

/** Beyond what the server says of the size. */
const slackBytes = 64 * 1024;

export const manualOf = (
  { regarding, createContact }: Pick<TrackMessageInput, 'regarding' | 'createContact'>,
  detail: string,
): ManualTracking => ({
  via: 'promoted',
  detail,
  regarding,
  ...(createContact === undefined ? {} : { createContact }),
});

/** How an operation ends that was to track a message. */
export const endOf = (outcome: ReplayOutcome): Parameters<typeof finishOperation>[3] => {
  const { code, ...rest } = outcome;
  const result = { ...rest, outcome: tellOutcome(outcome.outcome) };
  return code === undefined ? { status: 'succeeded', result } : { status: 'failed', fault: createFault(code) };
};

type Requested = MailboxMessage & { readonly manual: ManualTracking };

/** The original that a message of a forward mailbox carries. Undefined when it is another one than that of the decision. */
const trackOriginal = async (
  run: TrackingContext,
  outer: Requested,
  raw: Buffer,
  decision: Decision | undefined,
): Promise<ReplayOutcome | undefined> => {
  const unwrapped = await unwrapForward(run, outer, raw);
  if ('outcome' in unwrapped)
    return unwrapped.outcome === 'skipped' ? { outcome: unwrapped.outcome, code: unwrapped.code } : undefined;
  const { message, forwarder, raw: original } = unwrapped;
  const known = [message.headers.messageId, outer.headers.messageId];
  if (decision !== undefined && decision.messageId !== null && !known.includes(decision.messageId)) return undefined;
  const previous = decision ?? (await findFormerDecision(run, message));
  const context = { ...run, mailboxOwner: async () => forwarder };
  return trackOnRequest(context, { ...message, previous, manual: outer.manual }, original);
};

/** Undefined when the message left its folder meanwhile. */
const track = async (
  run: TrackingRun,
  session: MailboxSession,
  message: Requested,
  decision: Decision | undefined,
): Promise<ReplayOutcome | undefined> => {
  const { tracking } = run.organization.settings;
  const early = endEarly(takeEarlySteps(message, null, tracking));
  if (early?.outcome === 'skipped') {
    await noteVerdict(run, message, early);
    return early;
  }
  const limit = tracking.maxMessageBytes + slackBytes;
  const raw = await session.fetchMessage(message.folder, message.uid, message.sizeBytes, limit);
  if (raw === undefined) return undefined;
  return run.mailbox.kind === 'forward'
    ? trackOriginal(run, message, raw, decision)
    : trackOnRequest(run, message, raw);
};

/** Of a message of a forward mailbox the decision tells what it carries, and not what its own header says. */
const wantedIn = (mailbox: Mailbox, input: TrackMessageInput): WantedMessage =>
  mailbox.kind === 'forward' && input.place !== undefined ? { place: input.place, messageId: null } : input;

/** Tracks a message that was set aside and is in the mailbox no more, from the bytes that were kept of it. */
const trackKept = async (
  run: TrackingRun,
  decision: Decision,
  manual: ManualTracking,
): Promise<ReplayOutcome | undefined> => {
  const { store, organization, mailbox } = run;
  const setAside = {
    mailboxId: mailbox.id,
    receivedAt: new Date(decision.receivedAt),
    decisionId: decision.id,
    place: undefined,
  };
  const kept = await readSetAside(run, organization.id, setAside);
  if (kept === undefined) return undefined;
  const message = { ...kept.message, previous: decision, manual };
  const outcome = await (mailbox.kind === 'forward'
    ? trackOriginal(run, message, kept.raw, decision)
    : trackOnRequest(run, message, kept.raw));
  if (outcome !== undefined && outcome.outcome !== 'skipped')
    await resolveLettersOf({ store, now: run.now }, organization.id, setAside);
  return outcome;
};

/** The operation that tracks one message of a mailbox because somebody asked for it. Can be repeated. */
export const runTrackMessage = (
  deps: TrackDependencies,
  organizationId: string,
  operation: Operation,
  delivery: InMailboxDelivery,
): Promise<LaneVerdict> => {
  const input = trackMessageInputSchema.parse(operation.input);
  const end = async (outcome: Parameters<typeof finishOperation>[3]): Promise<LaneVerdict> => {
    await finishOperation(deps, organizationId, operation.id, outcome);
    return { done: true };
  };
  const failed = (code: 'messageGone' | 'unreadable', detail?: string) =>
    end({ status: 'failed', fault: createFault(code, detail === undefined ? {} : { detail }) });
  return runInMailbox(deps, organizationId, operation, input.mailboxId, delivery, async (visit) => {
    const { organization, mailbox, session } = visit;
    const run: TrackingRun = { ...createTrackingContext(deps, organization, mailbox, null), session };
    const manual = manualOf(input, 'somebody asked for this message');
    const decision =
      input.decisionId === undefined ? undefined : await deps.store.get(decisionKind, organizationId, input.decisionId);
    const found = await findMessage(session, wantedIn(mailbox, input));
    if (found === undefined) {
      try {
        const kept = decision === undefined ? undefined : await trackKept(run, decision, manual);
        return kept === undefined ? await failed('messageGone') : await end(endOf(kept));
      } catch (error) {
        if (!(error instanceof ItemError) && !isRefusedItem(error)) throw error;
        return failed('unreadable', error instanceof Error ? error.message : String(error));
      }
    }
    const previous = decision ?? (await findFormerDecision(run, found));
    const message: Requested = { ...found, previous, manual };
    try {
      const outcome = await track(run, session, message, decision);
      if (outcome === undefined) return await failed('messageGone');
      if (outcome.outcome !== 'skipped') {
        await markTracked(run, found.folder, found.uidValidity, [found.uid]);
        await resolveLettersOf(deps, organizationId, {
          mailboxId: mailbox.id,
          receivedAt: previous === undefined ? found.receivedAt : new Date(previous.receivedAt),
          decisionId: previous?.id,
          place: input.place ?? found,
        });
      }
      return await end(endOf(outcome));
    } catch (error) {
      if (!(error instanceof ItemError) && !isRefusedItem(error)) throw error;
      const reason = error instanceof Error ? error.message : String(error);
      await setAsideMessage(run, message, reason, 1);
      return failed('unreadable', reason);
    }
  });
};
