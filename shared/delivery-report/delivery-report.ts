/** What a report says of one recipient. */
export type ReportedOutcome =
  /** It will not arrive. */
  | 'failed'
  /** It has not arrived yet and is still being tried. */
  | 'delayed'
  | 'delivered'
  /** It went to a server that gives no notice. */
  | 'relayed'
  /** It went to all members of a list. */
  | 'expanded'
  | 'read'
  | 'deletedUnread';

export interface ReportedRecipient {
  /** What the report calls the recipient: the address that was written to first, where it names it. */
  readonly addresses: readonly string[];
  readonly outcome: ReportedOutcome;
  /** Status code and reason on one line, bounded. */
  readonly answer: string;
}

/** What came back about a message: a delivery report (RFC 3464), one of an older form, or a read receipt (RFC 8098). */
export interface DeliveryReport {
  /** Whose message it may be about, the surest first; angle brackets included. */
  readonly messageIds: readonly string[];
  /** What was given to the server as ENVID (RFC 3461). */
  readonly envelopeId: string | undefined;
  readonly recipients: readonly ReportedRecipient[];
}

/** No email has more recipients. */
export const mostRecipients = 500;

/** As much of a report as is ever looked at: what it says stands before the message that it returns. */
export const reportBytes = 256 * 1024;

const longestAnswer = 300;

/** Text of a foreign server on one line, without what could break a page or a log. */
export const oneLine = (text: string): string =>
  text
    .slice(0, 10 * longestAnswer)
    .replace(/[^\x20-\x7e\u00a0-\uffff]+|\s+/g, ' ')
    .trim()
    .slice(0, longestAnswer)
    .toWellFormed();
