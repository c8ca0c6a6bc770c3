import { applyReport } from '../delivery-report/apply-report.ts';
import { type DeliveryReport, reportBytes } from '../delivery-report/delivery-report.ts';
import { readReport } from '../delivery-report/read-report.ts';
import { endEarly } from './decide-message.ts';
import { takeEarlySteps } from './early-steps.ts';
import { isRefusedItem } from './item-error.ts';
import type { MailboxMessage } from './mailbox-message.ts';
import { fetchListed } from './missing-messages.ts';
import type { TrackingContext, TrackingRun } from './tracking-run.ts';

/** Whether the header makes it worth to look into the content: of no other message is anything read for this. */
const mayReport = ({ organization, processFrom, mailbox }: TrackingContext, message: MailboxMessage): boolean => {
  const { automation } = message.headers;
  if (message.direction !== 'incoming' || mailbox.workloads.incoming.mode === 'observe') return false;
  if (automation !== 'deliveryReport' && automation !== 'readReceipt') return false;
  const early = endEarly(takeEarlySteps(message, processFrom, organization.settings.tracking));
  return early?.outcome !== 'skipped' || early.code !== 'beforeProcessFrom';
};

/** What cannot be taken apart reports nothing: it is mail all the same, and is decided about. */
const readSafely = (raw: Buffer): DeliveryReport | undefined => {
  try {
    return readReport(raw);
  } catch {
    return undefined;
  }
};

/**
 * Notes what a message reports on an email that was sent, if it does. What becomes of the message itself is decided like
 * that of any other.
 *
 * @param raw all of it, or its beginning
 * @returns the identifiers of the emails that it reports on
 */
export const noteReportOf = async (
  context: TrackingContext,
  message: MailboxMessage,
  raw: Buffer,
): Promise<readonly string[]> => {
  const report = mayReport(context, message) ? readSafely(raw) : undefined;
  if (report === undefined) return [];
  try {
    return await applyReport(context, report);
  } catch (error) {
    if (!isRefusedItem(error)) throw error;
    return [];
  }
};

export interface ReportsRead {
  /** The messages, those that report with what they report on, without those that were not sent. */
  readonly messages: readonly MailboxMessage[];
  /** UIDs of reports that the server lists and does not send: they are not decided about before they were read. */
  readonly withheld: ReadonlySet<number>;
}

const withReports = (
  messages: readonly MailboxMessage[],
  reportsOn: ReadonlyMap<number, readonly string[]>,
  withheld: ReadonlySet<number>,
): readonly MailboxMessage[] =>
  messages
    .filter(({ uid }) => !withheld.has(uid))
    .map((message) => (reportsOn.has(message.uid) ? { ...message, reportsOn: reportsOn.get(message.uid) } : message));

/**
 * Reads the reports among messages, whether they are tracked or skipped afterwards. Done again after a crash it changes
 * nothing more.
 */
export const readReports = async (
  run: TrackingRun,
  messages: readonly MailboxMessage[],
  mayGoOn: () => boolean,
): Promise<ReportsRead> => {
  const reportsOn = new Map<number, readonly string[]>();
  const withheld = new Set<number>();
  for (const message of messages) {
    if (!mayReport(run, message) || !mayGoOn()) continue;
    const { folder, uid, sizeBytes } = message;
    const missing = await fetchListed(run.session, folder, [uid], async () => {
      const beginning = await run.session.fetchMessage(folder, uid, Math.min(sizeBytes, reportBytes), reportBytes);
      if (beginning === undefined) return [uid];
      reportsOn.set(uid, await noteReportOf(run, message, beginning));
      return [];
    });
    for (const one of missing.withheld) withheld.add(one);
  }
  const told = reportsOn.size === 0 && withheld.size === 0 ? messages : withReports(messages, reportsOn, withheld);
  return { messages: told, withheld };
};
