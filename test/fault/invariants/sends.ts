import type { Recipient } from '../scenario/ledger.ts';
import { at, entitiesOf, type Item, type Observation } from './observation.ts';
import type { Check, Violation } from './violation.ts';

const finals: ReadonlySet<unknown> = new Set(['sent', 'failed', 'unconfirmed', 'canceled']);

const partiesOf = (email: Item): readonly Item[] =>
  (['to', 'cc', 'bcc'] as const).flatMap((field) => (email[field] ?? []) as readonly Item[]);

const copiesIn = (observation: Observation, address: string, folder: 'inbox' | 'sent', messageId: unknown): number =>
  observation.mailboxes.get(address)?.[folder].filter((message) => message.messageId === messageId).length ?? 0;

const checkRecipient = (
  observation: Observation,
  email: Item,
  { address, expected }: Recipient,
): readonly Violation[] => {
  const result = partiesOf(email).find((party) => party['address'] === address)?.['result'];
  const copies = copiesIn(observation, address, 'inbox', email['messageId']);
  const what = `${email['id']} to ${address}: ${result}, ${copies} copies`;
  if (copies > 1) return [{ kind: 'doubled', what }];
  if (expected === 'delivered' && result === 'accepted' && copies === 0) return [{ kind: 'lost', what }];
  if (copies === 1 && result !== 'accepted' && result !== 'unconfirmed')
    return [{ kind: 'defect', what: `delivered and told otherwise: ${what}` }];
  if (result === undefined && email['status'] !== 'unconfirmed')
    return [{ kind: 'lost', what: `nothing is told of ${what}` }];
  return [];
};

/** Every accepted Send has an outcome, reached each recipient at most once, and tells the truth about it. */
export const checkSends: Check = ({ cast, ledger, observation }) => {
  const violations: Violation[] = [];
  const emails = entitiesOf(observation, cast.organizationId, 'email');
  for (const [id, recipients] of ledger.sends) {
    const email = emails.find((one) => one['id'] === id);
    if (email === undefined) {
      violations.push({ kind: 'lost', what: `the Send ${id} is not there` });
      continue;
    }
    if (!finals.has(email['status']))
      violations.push({ kind: 'stuck', what: `the Send ${id} is ${email['status']}` });
    for (const recipient of recipients) violations.push(...checkRecipient(observation, email, recipient));
    const sender = cast.users.find(({ mailboxId }) => mailboxId === email['mailboxId'])?.mailUser.address ?? '';
    const filed = copiesIn(observation, sender, 'sent', email['messageId']);
    const told = at(email, 'delivery', 'sentCopy');
    if (filed > 1) violations.push({ kind: 'doubled', what: `${filed} Sent copies of ${id}` });
    if (told === 'stored' && filed === 0) violations.push({ kind: 'lost', what: `the Sent copy of ${id}` });
    if (told === 'pending') violations.push({ kind: 'stuck', what: `the Sent copy of ${id} is pending` });
  }
  const intended = new Set(ledger.sends.keys());
  for (const email of emails)
    if (email['direction'] === 'outgoing' && !intended.has(String(email['id'])))
      violations.push({ kind: 'doubled', what: `nobody asked for the email ${email['id']} (${email['status']})` });
  return violations;
};
