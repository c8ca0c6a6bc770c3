import { alertWrites } from '../alert/raise-alert.ts';
import { type Email, emailKind } from '../email/email.ts';
import { messageIdPrefix } from '../email/message-identity.ts';
import { clearFaultAlert } from '../email/send-actions.ts';
import { settleAsSent } from '../email/settle-as-sent.ts';
import type { Organization } from '../organization/organization.ts';
import type { Author } from '../platform/change.ts';
import { createChange } from '../platform/create-change.ts';
import { type EntityStore, fromItem } from '../platform/entity-store.ts';
import { createFault } from '../platform/fault.ts';
import { partition, type RecordWrite, recordKey } from '../platform/records-table.ts';
import { transact } from '../platform/transact.ts';
import type { DeliveryReport } from './delivery-report.ts';
import { type NotedReport, noteReport } from './note-report.ts';

export interface ReportDependencies {
  readonly store: EntityStore;
  readonly organization: Organization;
  /** The mailbox in which the report arrived. */
  readonly author: Author;
  readonly now: () => Date;
}

/** A copied Message-ID has few owners, and few Message-IDs stand in one report. */
const mostEmails = 10;
const mostIdentifiers = 5;
const emailId = /^eml_[0-9A-Za-z]{16,40}$/;

/** The emails that the hub, or a user of it, sent under these names. */
const findSentEmails = async (
  { store, organization }: ReportDependencies,
  report: DeliveryReport,
): Promise<readonly Email[]> => {
  const ids = new Set<string>();
  if (report.envelopeId !== undefined && emailId.test(report.envelopeId)) ids.add(report.envelopeId);
  for (const messageId of report.messageIds.slice(0, mostIdentifiers)) {
    const { items } = await store.table.query({
      pk: partition(organization.id, 'messageId'),
      prefix: messageIdPrefix(messageId),
      limit: mostEmails,
    });
    for (const { sk } of items) ids.add(sk.slice(sk.lastIndexOf('#') + 1));
  }
  const items = await store.table.getMany([...ids].map((id) => recordKey(organization.id, emailKind.kind, id)));
  return items.map((item) => fromItem(emailKind, item)).filter(({ direction }) => direction === 'outgoing');
};

const alertOf = (deps: ReportDependencies, { email, bounced }: NotedReport, now: Date) => ({
  organizationId: deps.organization.id,
  level: 'error' as const,
  scope: 'email' as const,
  fault: createFault('bounced', {
    detail: bounced.map(({ address, answer }) => (answer === undefined ? address : `${address}: ${answer}`)).join('; '),
  }),
  subject: { type: 'email', id: email.id },
  mailboxId: email.mailboxId ?? undefined,
  now,
  author: deps.author,
});

/** A report on an email of which it was not known whether the server has it shows that it does. */
const withProof = (organization: Organization, email: Email, report: DeliveryReport, now: Date) => {
  const unproven = { noted: noteReport(email, report, now), also: [] as readonly RecordWrite[], proven: false };
  if (email.status !== 'unconfirmed' || unproven.noted === undefined) return unproven;
  const told = { event: 'proven', detail: 'A report on its delivery shows that the server accepted it' };
  const { next, also = [] } = settleAsSent(organization, email, told, now);
  return { noted: noteReport(next, report, now), also, proven: true };
};

const noteAt = async (deps: ReportDependencies, emailId: string, report: DeliveryReport): Promise<void> => {
  const { store, organization, author } = deps;
  const before = await transact(store.table, async () => {
    const email = await store.get(emailKind, organization.id, emailId);
    if (email === undefined) return { writes: [], result: undefined };
    const now = deps.now();
    const { noted, also, proven } = withProof(organization, email, report, now);
    if (noted === undefined) return { writes: [], result: undefined };
    const { bounced, changedFields } = noted;
    const next: Email = { ...noted.email, version: email.version + 1, updatedAt: now.toISOString() };
    const type = bounced.length > 0 ? 'email.bounced' : 'email.updated';
    const changes = [
      ...(proven ? [createChange('email.sent', author, now)] : []),
      createChange(type, author, now, changedFields),
    ];
    const alert = bounced.length === 0 ? [] : await alertWrites(store, alertOf(deps, noted, now));
    const writes = [...store.writesOf(emailKind, organization.id, email, next, { changes, also }), ...alert];
    return { writes, result: proven ? email : undefined };
  });
  if (before !== undefined) await clearFaultAlert(store, organization.id, before, deps.now(), author);
};

/**
 * Notes what a report says at the email that it is about: results of recipients, history, an event, an alert for what
 * came back. It must name a message of ours and someone whom it went to; whatever else comes as a report is just mail.
 * Each recipient is judged once, so a report that comes twice, or a hundred forged ones, change nothing more.
 *
 * @returns the identifiers of the emails that it is about
 */
export const applyReport = async (deps: ReportDependencies, report: DeliveryReport): Promise<readonly string[]> => {
  const emails = await findSentEmails(deps, report);
  for (const { id } of emails) await noteAt(deps, id, report);
  return emails.map(({ id }) => id);
};
