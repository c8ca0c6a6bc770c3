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
 */
export const noteReportOf = async (context: TrackingContext, message: MailboxMessage, raw: Buffer): Promise<void> => {
  const report = mayReport(context, message) ? readSafely(raw) : undefined;
  if (report === undefined) return;
  try {
    await applyReport(context, report);
  } catch (error) {
    if (!isRefusedItem(error)) throw error;
  }
};

/**
 * Reads the reports among messages, whether they are tracked or skipped afterwards. Done again after a crash it changes
 * nothing more.
 *
 * @returns UIDs of reports that the server lists and does not send: they are not decided about before they were read
 */
export const readReports = async (
  run: TrackingRun,
  messages: readonly MailboxMessage[],
  mayGoOn: () => boolean,
): Promise<ReadonlySet<number>> => {
  const withheld = new Set<number>();
  for (const message of messages) {
    if (!mayReport(run, message) || !mayGoOn()) continue;
    const { folder, uid, sizeBytes } = message;
    const missing = await fetchListed(run.session, folder, [uid], async () => {
      const beginning = await run.session.fetchMessage(folder, uid, Math.min(sizeBytes, reportBytes), reportBytes);
      if (beginning === undefined) return [uid];
      await noteReportOf(run, message, beginning);
      return [];
    });
    for (const one of missing.withheld) withheld.add(one);
  }
  return withheld;
};
