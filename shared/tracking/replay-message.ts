import type { FaultCode } from '../platform/fault-catalogue.ts';
import { emailIdOf } from './build-email.ts';
import { decideMessage, endEarly, type Verdict } from './decide-message.ts';
import { takeEarlySteps } from './early-steps.ts';
import { gatherFacts } from './gather-facts.ts';
import { ofItem } from './item-error.ts';
import { identityOf, type MailboxMessage } from './mailbox-message.ts';
import { noteVerdict } from './note-verdict.ts';
import { noteReportOf } from './read-reports.ts';
import { storeTrackedMessage } from './store-tracked-message.ts';
import type { TrackingContext } from './tracking-run.ts';

export interface ReplayOutcome {
  readonly outcome: Verdict['outcome'] | 'withdrawn';
  readonly emailId?: string;
  /** Why it was skipped. */
  readonly code?: FaultCode;
}

/** As operations tell it. */
export const tellOutcome = (outcome: ReplayOutcome['outcome']): Verdict['outcome'] =>
  outcome === 'withdrawn' ? 'duplicate' : outcome;

/**
 * Decides about one message from its bytes, by today's settings, and stores it if it is accepted. May be repeated: a
 * message that is tracked already stays the one email.
 *
 * @throws ItemError when the message itself cannot be worked with
 */
export const replayMessage = async (
  context: TrackingContext,
  asked: MailboxMessage,
  raw: Buffer,
): Promise<ReplayOutcome> => {
  const { organization, mailbox, processFrom, lookups } = context;
  const isActive = mailbox.workloads.incoming.mode === 'active';
  const message = { ...asked, reportsOn: await noteReportOf(context, asked, raw) };
  const earlySteps = ofItem(() => takeEarlySteps(message, processFrom, organization.settings.tracking));
  const decide = async (): Promise<Verdict> => {
    const early = endEarly(earlySteps);
    if (early !== undefined) return early;
    const identity = identityOf(message.headers);
    const known = identity === undefined ? undefined : await lookups.trackedEmail(message.direction, identity);
    const facts = await gatherFacts(context, message, known);
    const verdict = ofItem(() => decideMessage(facts, earlySteps));
    return verdict.outcome === 'tracked' && isActive
      ? storeTrackedMessage(context, { facts, verdict }, earlySteps, raw)
      : verdict;
  };
  const verdict = await decide();
  if (verdict.outcome === 'tracked' && isActive) return { outcome: 'tracked', emailId: emailIdOf(mailbox.id, message) };
  const outcome = await noteVerdict(context, message, verdict);
  return {
    outcome,
    ...(verdict.outcome === 'duplicate' ? { emailId: verdict.emailId } : {}),
    ...(verdict.outcome === 'skipped' ? { code: verdict.code } : {}),
  };
};
