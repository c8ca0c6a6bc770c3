import type { Verdict } from './decide-message.ts';
import { decisionWrite, noteDecision } from './decision-writes.ts';
import type { MailboxMessage } from './mailbox-message.ts';
import { recordDuplicate } from './record-duplicate.ts';
import type { TrackingContext } from './tracking-run.ts';

/** Notes the decision about a message that is not stored as an email of its own. */
export const noteVerdict = async (
  context: TrackingContext,
  message: MailboxMessage,
  verdict: Verdict,
): Promise<void> => {
  const { store, organization, mailbox } = context;
  const emailId = verdict.outcome === 'duplicate' ? verdict.emailId : null;
  const observing = mailbox.workloads.incoming.mode === 'observe';
  if (emailId !== null && !observing) await recordDuplicate(context, emailId, await context.mailboxOwner());
  const code = verdict.outcome === 'skipped' ? verdict.code : verdict.outcome === 'duplicate' ? 'duplicate' : null;
  const decided = { outcome: verdict.outcome, code, emailId, steps: verdict.steps };
  await noteDecision(store, decisionWrite(store, organization, mailbox, message, decided, context.now()));
};
