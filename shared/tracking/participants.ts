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
  /** Addresses that servers delivered to and that the message itself does not name: Bcc, lists, other names of one. */
  readonly deliveredTo: readonly Omit<Recipient, 'field'>[];
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

// Each server on the way may add one; only a forged header has more.
const mostDeliveries = 5;

/** The addresses that a message was delivered to beyond those that it names. */
export const listDeliveries = (headers: {
  readonly to: readonly MailAddress[];
  readonly cc: readonly MailAddress[];
  readonly bcc: readonly MailAddress[];
  readonly deliveredTo: readonly string[];
}): readonly MailAddress[] => {
  if (headers.deliveredTo.length === 0) return [];
  const named = new Set(listRecipients(headers).map(({ address }) => normalizeAddress(address.address)));
  const further = new Map(headers.deliveredTo.map((address) => [normalizeAddress(address), { address, name: '' }]));
  return [...further].flatMap(([key, address]) => (named.has(key) ? [] : [address])).slice(0, mostDeliveries);
};

/** Addresses outside the organization: the sender first, then the recipients in their order. */
export const listCounterparts = ({ sender, recipients }: Participants): readonly string[] => {
  const foreign = [
    ...(sender === null || sender.resolution.candidates.some(isOwnerEntry) ? [] : [sender.address.address]),
    ...recipients.flatMap(({ address, entries }) => (entries.some(isOwnerEntry) ? [] : [address.address])),
  ];
  return foreign.length > 0 || sender === null ? foreign : [sender.address.address];
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
