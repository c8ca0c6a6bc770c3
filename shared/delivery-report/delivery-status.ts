import { type HeaderField, readHeaderFields } from '../email/mime/header-fields.ts';
import { mostRecipients, oneLine, type ReportedOutcome, type ReportedRecipient } from './delivery-report.ts';
import { readTypedAddress } from './typed-address.ts';

export interface DeliveryStatus {
  readonly envelopeId: string | undefined;
  readonly recipients: readonly ReportedRecipient[];
}

const outcomes: Readonly<Record<string, ReportedOutcome>> = {
  failed: 'failed',
  delayed: 'delayed',
  delivered: 'delivered',
  relayed: 'relayed',
  expanded: 'expanded',
};

const byClass: Readonly<Record<string, ReportedOutcome>> = { '5': 'failed', '4': 'delayed', '2': 'delivered' };

const firstOf =
  (fields: readonly HeaderField[]) =>
  (name: string): string | undefined =>
    fields.find((field) => field.name === name)?.value;

const readStatus = (value: string | undefined): string | undefined =>
  /\b([245]\.\d{1,3}\.\d{1,3})\b/.exec(value ?? '')?.[1];

/** `smtp; 550 5.1.1 no such user` without its type. */
const readDiagnostic = (value: string | undefined): string => (value ?? '').replace(/^\s*[a-z0-9-]{1,20}\s*;/i, '');

const readRecipient = (fields: readonly HeaderField[]): ReportedRecipient | undefined => {
  const first = firstOf(fields);
  const addresses = [
    ...readTypedAddress(first('original-recipient')),
    ...readTypedAddress(first('final-recipient')),
    // RFC 1894 had no such field; Exchange names in it whom it had resolved the recipient from.
    ...readTypedAddress(first('x-actual-recipient')),
  ];
  const status = readStatus(first('status')) ?? readStatus(first('diagnostic-code'));
  const action = /^\s*([a-z]+)/i.exec(first('action') ?? '')?.[1]?.toLowerCase() ?? '';
  const outcome = outcomes[action] ?? byClass[status?.[0] ?? ''];
  if (addresses.length === 0 || outcome === undefined) return undefined;
  const diagnostic = oneLine(readDiagnostic(first('diagnostic-code')));
  const told = status === undefined || diagnostic.includes(status) ? diagnostic : `${status} ${diagnostic}`;
  return { addresses: [...new Set(addresses)], outcome, answer: oneLine(told) };
};

/** Reads the content of a message/delivery-status part (RFC 3464 section 2). Never throws. */
export const readDeliveryStatus = (content: Buffer): DeliveryStatus => {
  const recipients: ReportedRecipient[] = [];
  let envelopeId: string | undefined;
  for (const block of splitBlocks(content)) {
    const fields = readHeaderFields(block);
    envelopeId ??= firstOf(fields)('original-envelope-id')?.slice(0, 200);
    const recipient = readRecipient(fields);
    if (recipient !== undefined) recipients.push(recipient);
    if (recipients.length === mostRecipients) break;
  }
  return { envelopeId, recipients };
};

/** Groups of fields, which empty lines keep apart. */
function* splitBlocks(content: Buffer): Generator<Buffer> {
  let start = 0;
  let line = 0;
  for (let end = content.indexOf(0x0a); end !== -1; end = content.indexOf(0x0a, line)) {
    if (content.subarray(line, end).toString('latin1').trim() === '') {
      if (line > start) yield content.subarray(start, line);
      start = end + 1;
    }
    line = end + 1;
  }
  if (content.length > start) yield content.subarray(start);
}
