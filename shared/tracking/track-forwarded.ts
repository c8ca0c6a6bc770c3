import { endEarly } from './decide-message.ts';
import { takeEarlySteps } from './early-steps.ts';
import { findFormerDecision } from './former-decisions.ts';
import { ItemError, isRefusedItem } from './item-error.ts';
import type { MailboxMessage } from './mailbox-message.ts';
import { fetchListed } from './missing-messages.ts';
import { noteVerdict } from './note-verdict.ts';
import { replayMessage } from './replay-message.ts';
import { setAsideMessage } from './set-aside-message.ts';
import type { WindowOutcome } from './track-window.ts';
import type { MessageResult, TrackingRun } from './tracking-run.ts';
import { unwrapForward } from './unwrap-forward.ts';

const slackBytes = 64 * 1024;

/** Whether messages may have decisions already; undefined: none has. Of those only what `isOpen` is decided again. */
type Again = { readonly isOpen: (message: MailboxMessage) => boolean } | undefined;

/** Decides about the original that a message of a forward mailbox carries, as if its forwarder had received it. */
const trackOne = async (run: TrackingRun, outer: MailboxMessage, raw: Buffer, again: Again): Promise<MessageResult> => {
  const withPrevious = async (message: MailboxMessage): Promise<MailboxMessage> =>
    again === undefined ? message : { ...message, previous: await findFormerDecision(run, message) };
  try {
    const unwrapped = await unwrapForward(run, outer, raw);
    if ('outcome' in unwrapped) return await noteVerdict(run, await withPrevious(outer), unwrapped);
    const { forwarder, raw: original } = unwrapped;
    const message = await withPrevious(unwrapped.message);
    if (again?.isOpen(message) === false) return 'known';
    const { outcome } = await replayMessage({ ...run, mailboxOwner: async () => forwarder }, message, original);
    return outcome;
  } catch (error) {
    if (!(error instanceof ItemError || isRefusedItem(error))) throw error;
    await setAsideMessage(run, outer, error instanceof Error ? error.message : String(error), 1);
    return 'setAside';
  }
};

/**
 * Tracks what a forward mailbox was sent. The header of the outer message says nothing of the original, so each is read
 * whole, one after the other.
 */
export const trackForwarded = async (
  run: TrackingRun,
  messages: readonly MailboxMessage[],
  mayGoOn: () => boolean,
  again?: Again,
): Promise<WindowOutcome> => {
  const { session, organization, processFrom } = run;
  const results = new Map<number, MessageResult>();
  const withheld = new Set<number>();
  for (const outer of messages) {
    if (!mayGoOn()) break;
    const { folder, uid, sizeBytes } = outer;
    const early = endEarly(takeEarlySteps(outer, processFrom, organization.settings.tracking));
    if (early !== undefined) {
      results.set(uid, await noteVerdict(run, outer, early));
      continue;
    }
    const limit = organization.settings.tracking.maxMessageBytes + slackBytes;
    const missing = await fetchListed(session, folder, [uid], async () => {
      const raw = await session.fetchMessage(folder, uid, sizeBytes, limit);
      if (raw === undefined) return [uid];
      results.set(uid, await trackOne(run, outer, raw, again));
      return [];
    });
    if (missing.gone.length > 0) results.set(uid, 'gone');
    if (missing.withheld.length > 0) withheld.add(uid);
  }
  return { results, withheld };
};
