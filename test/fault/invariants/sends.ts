import type { FaultPlan } from '../plan/fault-plan.ts';
import type { AcceptedSend, Recipient } from '../scenario/ledger.ts';
import { at, entitiesOf, type Item, type Observation, type SeenMessage } from './observation.ts';
import type { Check, Violation } from './violation.ts';

const finals: ReadonlySet<unknown> = new Set(['sent', 'failed', 'unconfirmed', 'canceled']);

const partiesOf = (email: Item): readonly Item[] =>
  (['to', 'cc', 'bcc'] as const).flatMap((field) => (email[field] ?? []) as readonly Item[]);

const countOf = (messages: readonly SeenMessage[], messageId: unknown): number =>
  messages.filter((message) => message.messageId === messageId).length;

const checkRecipient = (
  observation: Observation,
  email: Item,
  { address, expected }: Recipient,
): readonly Violation[] => {
  const result = partiesOf(email).find((party) => party['address'] === address)?.['result'];
  const copies = countOf(observation.mailboxes.get(address)?.inbox ?? [], email['messageId']);
  const what = `${email['id']} to ${address}: ${result}, ${copies} copies`;
  if (copies > 1) return [{ kind: 'doubled', what }];
  if (expected === 'delivered' && result === 'accepted' && copies === 0) return [{ kind: 'lost', what }];
  if (copies === 1 && result !== 'accepted' && result !== 'unconfirmed')
    return [{ kind: 'defect', what: `delivered and told otherwise: ${what}` }];
  if (result === undefined && email['status'] !== 'unconfirmed')
    return [{ kind: 'lost', what: `nothing is told of ${what}` }];
  return [];
};

/** What a fault can excuse: any at all for doubt, as many as there are attempts for giving up. */
const faultsThatExcuse: Readonly<Record<string, number>> = { unconfirmed: 1, failed: 3 };

/** A Send to people who can all be reached is sent, unless faults at the outgoing lane kept it from that. */
const checkStatus = (plan: FaultPlan, email: Item, { round, recipients }: AcceptedSend): readonly Violation[] => {
  const status = String(email['status']);
  if (!finals.has(status)) return [{ kind: 'stuck', what: `the Send ${email['id']} is ${status}` }];
  const needed = faultsThatExcuse[status];
  const faults = plan.injected.filter((one) => one.round === round && one.point.startsWith('outgoing |'));
  if (needed === undefined || faults.length >= needed) return [];
  if (status === 'failed' && recipients.every(({ expected }) => expected !== 'delivered')) return [];
  return [{ kind: 'lost', what: `${status} without a cause: the Send ${email['id']}` }];
};

/** Every accepted Send has an outcome, reached each recipient at most once, and tells the truth about it. */
export const checkSends: Check = ({ cast, ledger, plan, observation }) => {
  const violations: Violation[] = [];
  const emails = entitiesOf(observation, cast.organizationId, 'email');
  for (const [id, accepted] of ledger.sends) {
    const email = emails.find((one) => one['id'] === id);
    if (email === undefined) {
      violations.push({ kind: 'lost', what: `the Send ${id} is not there` });
      continue;
    }
    violations.push(...checkStatus(plan, email, accepted));
    for (const recipient of accepted.recipients) violations.push(...checkRecipient(observation, email, recipient));
    const sender = cast.users.find(({ mailboxId }) => mailboxId === email['mailboxId'])?.mailUser.address ?? '';
    const filed = (observation.mailboxes.get(sender)?.sent ?? []).map((one) => countOf(one, email['messageId']));
    const told = at(email, 'delivery', 'sentCopy');
    if (filed.some((count) => count > 1)) violations.push({ kind: 'doubled', what: `${filed} Sent copies of ${id}` });
    if (told === 'stored' && filed.every((count) => count === 0))
      violations.push({ kind: 'lost', what: `the Sent copy of ${id}` });
    if (told === 'pending') violations.push({ kind: 'stuck', what: `the Sent copy of ${id} is pending` });
  }
  const intended = new Set(ledger.sends.keys());
  for (const email of emails)
    if (email['direction'] === 'outgoing' && !intended.has(String(email['id'])))
      violations.push({ kind: 'doubled', what: `nobody asked for the email ${email['id']} (${email['status']})` });
  return violations;
};
