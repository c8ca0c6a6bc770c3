import type { DecisionFacts } from './decide-message.ts';
import { notApplicable } from './decision-steps.ts';
import { type Correlation, findCorrelatedEmail } from './find-correlated-email.ts';
import { findInternalSender } from './internal-mail.ts';
import type { MailboxMessage } from './mailbox-message.ts';
import type { TrackingContext } from './tracking-run.ts';

const unasked: Correlation = {
  found: undefined,
  token: null,
  outcome: notApplicable('correlation', 'the message is tracked already'),
};

/**
 * Looks up what the decision about a message needs, and no more.
 *
 * @param trackedEmailId the email that a message of this identity already became
 */
export const gatherFacts = async (
  run: TrackingContext,
  message: MailboxMessage,
  trackedEmailId: string | undefined,
): Promise<DecisionFacts> => {
  const { lookups, organization, store } = run;
  const { headers, direction } = message;
  const participants = await lookups.participants(headers);
  const mayBeOurs = direction === 'outgoing' || findInternalSender(participants) !== undefined;
  const [knownOwners, sentEmail] = await Promise.all([
    lookups.owners(participants),
    mayBeOurs && headers.messageId !== null && headers.from !== null
      ? lookups.sentEmail(headers.messageId, headers.from.address)
      : undefined,
  ]);
  // What the hub sent stands in the Sent folder as well: the same email, not a second one.
  const tracked = trackedEmailId ?? (direction === 'outgoing' ? sentEmail?.id : undefined);
  return {
    settings: organization.settings,
    message,
    mailboxOwner: await run.mailboxOwner(),
    participants,
    knownOwners,
    correlation:
      tracked === undefined
        ? await findCorrelatedEmail({ table: store.table, organization, message, participants })
        : unasked,
    sentEmail,
    trackedEmailId: tracked,
  };
};
