import type { Party } from '../email/email.ts';
import type { MailAddress } from '../email/mime/mail-addresses.ts';
import { normalizeAddress } from '../platform/address.ts';
import type { AddressEntry } from '../record/address-entry.ts';
import { type SenderResolution, toReference } from '../record/resolve-address.ts';

export type RecipientField = 'to' | 'cc' | 'bcc';

export interface Recipient {
  readonly field: RecipientField;
  readonly address: MailAddress;
  /** Everyone whom the address stands for. */
  readonly entries: readonly AddressEntry[];
}

/** Who a message is from and to, with the records that the addresses stand for. */
export interface Participants {
  readonly sender: { readonly address: MailAddress; readonly resolution: SenderResolution } | null;
  /** In the order of the header, each address once, at most 500. */
  readonly recipients: readonly Recipient[];
}

const mostParties = 500;

/** The addresses that an email is stored with: more than 500 would not fit and stand in the raw message only. */
export const listRecipients = (headers: {
  readonly to: readonly MailAddress[];
  readonly cc: readonly MailAddress[];
  readonly bcc: readonly MailAddress[];
}): readonly Pick<Recipient, 'field' | 'address'>[] => {
  const listed: Pick<Recipient, 'field' | 'address'>[] = [];
  for (const field of ['to', 'cc', 'bcc'] as const) {
    const known = new Set<string>();
    for (const address of headers[field]) {
      if (listed.length === mostParties) return listed;
      const normalized = normalizeAddress(address.address);
      if (known.has(normalized)) continue;
      known.add(normalized);
      listed.push({ field, address });
    }
  }
  return listed;
};

/** A party of an email; a lone record is named as such in lists of parties. */
export const toParty = ({ address, name }: MailAddress, entries: readonly AddressEntry[]): Party => ({
  address,
  ...(name === '' ? {} : { name }),
  records: entries.map(toReference),
});

/** As people see it in a decision: "contact Carl Client (c-9)". */
export const nameEntry = ({ type, displayName, externalId, id }: AddressEntry): string =>
  `${type} ${displayName} (${externalId ?? id})`;

export const isOwnerEntry = ({ type }: AddressEntry): boolean => type === 'user' || type === 'queue';
