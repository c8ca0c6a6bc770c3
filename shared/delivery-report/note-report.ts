import { withEvent } from '../email/delivery-outcome.ts';
import type { Email, Party } from '../email/email.ts';
import { normalizeAddress } from '../platform/address.ts';
import type { DeliveryReport, ReportedOutcome, ReportedRecipient } from './delivery-report.ts';

/** What a report changes. */
export interface NotedReport {
  readonly email: Email;
  readonly changedFields: readonly string[];
  /** The recipients that it has come back from. */
  readonly bounced: readonly Party[];
}

const fields = ['to', 'cc', 'bcc'] as const;

/** How the delivery's history names it, and what it says. */
const eventNames: Readonly<Record<ReportedOutcome, string>> = {
  failed: 'bounced',
  delayed: 'delayed',
  delivered: 'delivered',
  relayed: 'relayed',
  expanded: 'expanded',
  read: 'read',
  deletedUnread: 'deletedUnread',
};

/**
 * Whether the message was ever handed out to this recipient and nothing final is known. A server may be quicker with its
 * bounce than the run that sends with its note of what the server answered.
 */
const isOpen = (email: Email, { result }: Party): boolean =>
  result === 'accepted' || result === 'unconfirmed' || (result === undefined && email.status !== 'pendingSend');

const mayBeReported = ({ direction, status }: Email): boolean =>
  direction === 'outgoing' &&
  (status === 'sent' || status === 'unconfirmed' || status === 'sending' || status === 'pendingSend');

const judge = (email: Email, party: Party, { outcome, answer }: ReportedRecipient): Party => {
  if (!isOpen(email, party)) return party;
  const { code: _code, answer: _answer, ...known } = party;
  if (outcome === 'failed')
    return { ...known, result: 'bounced', code: 'bounced', ...(answer === '' ? {} : { answer }) };
  // Nobody can have read a receipt into being that was never asked for.
  return outcome === 'read' && email.readReceipt ? { ...known, result: 'read' } : party;
};

/** The recipient that a report means; a report that names none whom we wrote to says nothing about this email. */
const findReported = (report: DeliveryReport): ((party: Party) => ReportedRecipient | undefined) => {
  const byAddress = new Map<string, ReportedRecipient>();
  for (const recipient of report.recipients)
    for (const address of recipient.addresses) {
      const normalized = normalizeAddress(address);
      if (!byAddress.has(normalized)) byAddress.set(normalized, recipient);
    }
  return (party) => byAddress.get(normalizeAddress(party.address));
};

const isTellable = (email: Email, before: Party, after: Party, { outcome }: ReportedRecipient): boolean => {
  if (outcome === 'failed' || outcome === 'read') return before !== after;
  if (outcome === 'deletedUnread') return email.readReceipt && isOpen(email, before);
  return isOpen(email, before);
};

/** One event of a kind for each recipient: a second notice says nothing new, and many cannot push others out. */
const noteEvents = (
  delivery: Email['delivery'],
  told: readonly { readonly party: Party; readonly reported: ReportedRecipient }[],
  now: Date,
): Email['delivery'] => {
  if (delivery === null) return null;
  let next = delivery;
  for (const { party, reported } of told) {
    const event = eventNames[reported.outcome];
    const detail = reported.answer === '' ? party.address : `${party.address}: ${reported.answer}`;
    const known = next.events.some(
      (one) => one.event === event && (one.detail === party.address || one.detail.startsWith(`${party.address}: `)),
    );
    if (!known) next = withEvent(next, now, event, detail);
  }
  return next;
};

/**
 * What a report makes of the email that it names. Pure. Undefined when it changes nothing: it names no recipient of the
 * email, or says what is known already. The status stays, whatever comes back; only an email of which it was not known
 * whether the server has it is proven to be sent.
 */
export const noteReport = (email: Email, report: DeliveryReport, now: Date): NotedReport | undefined => {
  if (!mayBeReported(email)) return undefined;
  const reportedOf = findReported(report);
  const told: { party: Party; reported: ReportedRecipient }[] = [];
  const bounced: Party[] = [];
  const next: Email = { ...email };
  for (const field of fields)
    next[field] = email[field].map((party) => {
      const reported = reportedOf(party);
      if (reported === undefined) return party;
      const judged = judge(email, party, reported);
      if (isTellable(email, party, judged, reported)) told.push({ party, reported });
      if (judged !== party && judged.result === 'bounced') bounced.push(judged);
      return judged;
    });
  next.delivery = noteEvents(email.delivery, told, now);
  const changedParties = fields.filter((field) => next[field].some((party, index) => party !== email[field][index]));
  const changedFields = [...changedParties, ...(next.delivery === email.delivery ? [] : ['delivery'])];
  return changedFields.length === 0 ? undefined : { email: next, changedFields, bounced };
};
