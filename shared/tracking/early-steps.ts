import type { Settings } from '../organization/settings.ts';
import type { ReceiptSource } from '../transport/mailbox-session.ts';
import { fail, match, notApplicable, pass, type StepOutcome } from './decision-steps.ts';
import type { MailboxMessage } from './mailbox-message.ts';

const megabyte = 1024 * 1024;

export const showBytes = (bytes: number): string =>
  bytes < 1024
    ? `${bytes} bytes`
    : bytes < megabyte
      ? `${Math.round(bytes / 1024)} KB`
      : `${Math.round((bytes / megabyte) * 10) / 10} MB`;

const checkSize = ({ sizeBytes }: MailboxMessage, limit: number): StepOutcome => {
  const detail = `${showBytes(sizeBytes)}; the limit is ${showBytes(limit)}`;
  const inputs = { sizeBytes, limitBytes: limit };
  return sizeBytes > limit ? fail('size', 'tooLarge', detail, inputs) : pass('size', detail, inputs);
};

// INTERNALDATE has whole seconds (RFC 3501 section 2.3.3).
const wholeSeconds = (instant: Date): number => Math.floor(instant.getTime() / 1000) * 1000;
/** What comes in while a folder is being watched is new even where the server's clock is this far behind. */
const clockMarginMilliseconds = 600_000;

/** Where the server does not tell when it received a message: by what it was found out. */
const receiptWords: Readonly<Record<ReceiptSource, string>> = {
  receivedHeader: ' by its Received header',
  dateHeader: ' by its Date header, since it has no Received header',
  firstListed: ' or before, when it was first seen: no header tells when it came',
};

const checkProcessFrom = (
  { receivedAt, receiptSource, isArrival, manual }: MailboxMessage,
  processFrom: Date | null,
): StepOutcome => {
  if (manual !== undefined) return notApplicable('processFrom', 'it is asked for, whenever it was received');
  if (processFrom === null) return pass('processFrom', 'no start of tracking is set');
  const inputs = { receivedAt: receivedAt.toISOString(), processFrom: processFrom.toISOString() };
  const source = receiptSource === undefined ? '' : receiptWords[receiptSource];
  const detail = `received ${inputs.receivedAt}${source}; tracking starts with ${inputs.processFrom}`;
  const earliest = wholeSeconds(processFrom) - (isArrival ? clockMarginMilliseconds : 0);
  return receivedAt.getTime() < earliest
    ? fail('processFrom', 'beforeProcessFrom', detail, inputs)
    : pass('processFrom', detail, inputs);
};

const checkRestricted = ({ headers }: MailboxMessage, restrictProtected: boolean): StepOutcome => {
  if (!restrictProtected) return notApplicable('restricted', 'rights-protected mail is not restricted');
  return headers.isProtected
    ? fail('restricted', 'restricted', 'the message is rights-protected')
    : pass('restricted', 'the message is not rights-protected');
};

const checkManual = ({ manual }: MailboxMessage): StepOutcome => {
  if (manual === undefined) return notApplicable('manual', 'nobody asked for this message to be tracked');
  const { via, detail, regarding } = manual;
  return match('manual', `${via}: ${detail}`, { via, ...(regarding === null ? {} : { regarding }) });
};

/** The steps that need nothing but the message itself. Ends with the first that fails. */
export const takeEarlySteps = (
  message: MailboxMessage,
  processFrom: Date | null,
  settings: Settings['tracking'],
): readonly StepOutcome[] => {
  const steps: StepOutcome[] = [];
  for (const step of [
    () => checkSize(message, settings.maxMessageBytes),
    () => checkProcessFrom(message, processFrom),
    () => checkRestricted(message, settings.restrictProtected),
    () => checkManual(message),
  ]) {
    const outcome = step();
    steps.push(outcome);
    if (outcome.code !== undefined) break;
  }
  return steps;
};
