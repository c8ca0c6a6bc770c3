import { adoptEmail } from './adopt-email.ts';
import type { Verdict } from './decide-message.ts';
import type { Decision } from './decision.ts';
import { type DecisionOutcome, decisionWrite, noteDecision } from './decision-writes.ts';
import type { MailboxMessage } from './mailbox-message.ts';
import { recordDuplicate } from './record-duplicate.ts';
import type { TrackingContext } from './tracking-run.ts';

/** Decided again with the same settings to the same end: nothing that would be worth a place in the history. */
const isUnchanged = (previous: Decision | undefined, decided: DecisionOutcome, settingsVersion: number): boolean =>
  previous !== undefined &&
  previous.outcome === decided.outcome &&
  previous.code === decided.code &&
  previous.emailId === decided.emailId &&
  previous.settingsVersion === settingsVersion;

/**
 * Notes the decision about a message that is not stored as an email of its own. Its outcome is `tracked` when somebody
 * asked for a message that was an email before and is tracked again, and `withdrawn` when its email is no longer tracked.
 */
export const noteVerdict = async (
  context: TrackingContext,
  message: MailboxMessage,
  verdict: Verdict,
): Promise<Verdict['outcome'] | 'withdrawn'> => {
  const { store, organization, mailbox } = context;
  const emailId = verdict.outcome === 'duplicate' ? verdict.emailId : null;
  const observing = mailbox.workloads.incoming.mode === 'observe';
  let { outcome } = verdict;
  let isWithdrawn = false;
  if (emailId !== null && !observing) {
    if (message.manual === undefined) {
      // Whoever sent a message has not received it, also where one email stands for both.
      if (message.direction === 'incoming')
        isWithdrawn = (await recordDuplicate(context, emailId, await context.mailboxOwner())) === 'withdrawn';
    } else {
      const adopted = await adoptEmail(context, emailId, message.manual);
      if (adopted === 'trackedAgain') outcome = 'tracked';
      isWithdrawn = adopted === 'deleted';
    }
  }
  const code = verdict.outcome === 'skipped' ? verdict.code : outcome === 'duplicate' ? 'duplicate' : null;
  const decided = { outcome, code, emailId, steps: verdict.steps };
  if (!isUnchanged(message.previous, decided, organization.settingsVersion))
    await noteDecision(store, decisionWrite(store, organization, mailbox, message, decided, context.now()));
  return isWithdrawn ? 'withdrawn' : outcome;
};
