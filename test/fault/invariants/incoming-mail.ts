import type { Cast } from '../scenario/cast.ts';
import { watchedFolder } from '../scenario/watched-folder.ts';
import { at, entitiesOf, groupBy, type Item, type Observation } from './observation.ts';
import type { Check, Violation } from './violation.ts';

/** A run that dies three times at one message sets it aside: by design, and only then. */
const deathsThatSetAside = 3;

const decisionOf = (
  decisions: readonly Item[],
  mailboxId: string,
  message: { messageId: string | undefined; subject: string },
) =>
  decisions.filter(
    (decision) =>
      decision['mailboxId'] === mailboxId &&
      (message.messageId === undefined
        ? decision['subject'] === message.subject
        : decision['messageId'] === message.messageId || decision['subject'] === message.subject),
  );

const isFolderRuleBroken = (
  observation: Observation,
  { organizationId }: Cast,
  mailboxId: string,
  folderRuleId: string,
): boolean => {
  const mailbox = entitiesOf(observation, organizationId, 'mailbox').find(({ id }) => id === mailboxId);
  const rules = (mailbox?.['folderRules'] ?? []) as readonly Item[];
  return rules.some(({ id, status }) => id === folderRuleId && status === 'broken');
};

const isToldOf = (observation: Observation, { organizationId }: Cast, folderRuleId: string): boolean =>
  entitiesOf(observation, organizationId, 'alert').some(
    (alert) => at(alert, 'subject', 'id') === folderRuleId && alert['status'] === 'open',
  );

/** Every message of a synchronized mailbox has exactly one decision, and one email in all if it was tracked. */
export const checkIncomingMail: Check = ({ cast, ledger, plan, observation }) => {
  const violations: Violation[] = [];
  const decisions = entitiesOf(observation, cast.organizationId, 'decision');
  const letters = entitiesOf(observation, cast.organizationId, 'deadLetter');
  const emails = entitiesOf(observation, cast.organizationId, 'email');
  const incoming = emails.filter((email) => email['direction'] === 'incoming');
  const mayBeSetAside = (subject: string): boolean => {
    const round = ledger.wholesome.get(subject);
    const deaths = plan.injected.filter((one) => one.round === round && one.point.startsWith('incoming |'));
    return round === undefined || deaths.length >= deathsThatSetAside;
  };

  for (const { mailboxId, mailUser, folderRuleId } of cast.users) {
    const seen = observation.mailboxes.get(mailUser.address);
    const isBroken = isFolderRuleBroken(observation, cast, mailboxId, folderRuleId);
    if (isBroken && !isToldOf(observation, cast, folderRuleId))
      violations.push({ kind: 'lost', what: `the folder rule of ${mailboxId} is broken, and nobody is told` });
    const looked = [
      ...(seen?.inbox ?? []).map((message) => ({ ...message, folder: 'INBOX' })),
      ...(isBroken ? [] : (seen?.watched ?? [])).map((message) => ({ ...message, folder: watchedFolder })),
    ];
    for (const message of looked) {
      const own = decisionOf(decisions, mailboxId, message);
      const [decision] = own;
      const setAside = letters.some(
        (letter) =>
          letter['mailboxId'] === mailboxId &&
          at(letter, 'remote', 'folder') === message.folder &&
          at(letter, 'remote', 'uid') === message.uid,
      );
      const what = `${message.subject} (${message.messageId ?? 'no Message-ID'}) in ${message.folder} of ${mailboxId}`;
      if (decision === undefined) {
        if (!setAside) violations.push({ kind: 'lost', what: `no decision about ${what}` });
        continue;
      }
      if (own.length > 1 && !setAside)
        violations.push({ kind: 'doubled', what: `${own.length} decisions about ${what}` });
      if (decision['outcome'] === 'setAside' && !mayBeSetAside(message.subject))
        violations.push({ kind: 'lost', what: `set aside without a cause: ${what}` });
      if (decision['outcome'] === 'skipped' && ledger.wholesome.has(message.subject))
        violations.push({ kind: 'lost', what: `skipped (${decision['code']}): ${what}` });
      const emailId = decision['emailId'];
      const email = emails.find(({ id }) => id === emailId);
      if (typeof emailId === 'string' && email === undefined)
        violations.push({ kind: 'lost', what: `the decision ${decision['outcome']} names no email: ${what}` });
      // Taken for another message, which it is not.
      const isTold = decision['outcome'] === 'tracked' || decision['outcome'] === 'duplicate';
      if (isTold && ledger.wholesome.has(message.subject) && email?.['subject'] !== message.subject)
        violations.push({ kind: 'lost', what: `${decision['outcome']} as ${email?.['subject']}: ${what}` });
    }
  }

  for (const [subject, emails] of groupBy(incoming, (email) => String(email['subject'])))
    if (emails.length > 1)
      violations.push({
        kind: 'doubled',
        what: `${emails.length} emails of ${subject}: ${emails.map(({ id }) => id)}`,
      });

  const contacts = entitiesOf(observation, cast.organizationId, 'record').flatMap((record) =>
    ((record['emails'] ?? []) as readonly Item[]).map(({ address }) => String(address).toLowerCase()),
  );
  for (const [address, same] of groupBy(contacts, (one) => one))
    if (same.length > 1) violations.push({ kind: 'doubled', what: `${same.length} contacts of ${address}` });
  return violations;
};
