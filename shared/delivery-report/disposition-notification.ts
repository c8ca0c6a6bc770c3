import { readHeaderFields } from '../email/mime/header-fields.ts';
import type { ReportedOutcome, ReportedRecipient } from './delivery-report.ts';
import { readTypedAddress } from './typed-address.ts';

export interface DispositionNotification {
  readonly messageId: string | undefined;
  readonly recipient: ReportedRecipient | undefined;
}

// RFC 8098 section 3.2.6: dispatched and processed say nothing about a person.
const outcomes: Readonly<Record<string, ReportedOutcome>> = { displayed: 'read', deleted: 'deletedUnread' };

/** Reads the content of a message/disposition-notification part (RFC 8098 section 3). Never throws. */
export const readDispositionNotification = (content: Buffer): DispositionNotification => {
  const fields = readHeaderFields(content);
  const first = (name: string): string | undefined => fields.find((field) => field.name === name)?.value;
  // `manual-action/MDN-sent-manually; displayed`, with modifiers behind a slash; older programs leave blanks out or in.
  const type = /;\s*([a-z]+)/i.exec(first('disposition') ?? '')?.[1]?.toLowerCase() ?? '';
  const outcome = outcomes[type];
  const addresses = [
    ...new Set([...readTypedAddress(first('original-recipient')), ...readTypedAddress(first('final-recipient'))]),
  ];
  return {
    messageId: /<[^<>\s]{1,900}>/.exec(first('original-message-id') ?? '')?.[0],
    recipient: outcome === undefined || addresses.length === 0 ? undefined : { addresses, outcome, answer: '' },
  };
};
