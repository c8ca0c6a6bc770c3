import type { MailAddress } from '../email/mime/mail-addresses.ts';
import type { Organization } from '../organization/organization.ts';
import { normalizeAddress } from '../platform/address.ts';
import type { Author } from '../platform/change.ts';
import { createChange } from '../platform/create-change.ts';
import type { EntityStore } from '../platform/entity-store.ts';
import { deriveIdentifier } from '../platform/identifier.ts';
import type { RecordWrite } from '../platform/records-table.ts';
import type { Reference } from '../platform/values.ts';
import { type AddressEntry, addressEntryWrites } from '../record/address-entry.ts';
import { addressHolderOf, hashContent } from '../record/build-record.ts';
import { type CrmRecord, crmRecordKind } from '../record/record.ts';
import type { DecisionFacts } from './decide-message.ts';
import type { TrackingOwner } from './tracking-owner.ts';

export interface NewSender {
  readonly entry: AddressEntry;
  readonly writes: readonly RecordWrite[];
}

const dayMilliseconds = 86_400_000;

/**
 * Whether an unknown sender becomes a record: never from what programs send by themselves (RFC 3834), and only where
 * the organization and whoever accepted the message want it, unless whoever asked for the message decided that, too.
 *
 * @param acceptedBy null: nobody's method took the message, so the owner of the mailbox counts
 */
export const wantsNewSender = (facts: DecisionFacts, acceptedBy: TrackingOwner | null): boolean => {
  const { message, participants, settings, mailboxOwner } = facts;
  return (
    message.direction === 'incoming' &&
    participants.sender !== null &&
    participants.sender.resolution.reason === 'noMatch' &&
    !message.headers.automatic &&
    (message.manual?.createContact ??
      (settings.autoCreate.enabled && (acceptedBy ?? mailboxOwner)?.autoCreate !== false))
  );
};

/**
 * The record of an unknown sender, to be written together with the email.
 *
 * @param taken how many of the identifiers that it may have are those of other records: what was made of this sender
 * earlier in the day may have got another address since
 */
export const createSender = (
  store: EntityStore,
  organization: Organization,
  { address, name }: MailAddress,
  emailOwner: Reference | null,
  author: Author,
  now: Date,
  taken: number,
): NewSender => {
  const at = now.toISOString();
  const owned = {
    displayName: name === '' ? address : name,
    emails: [{ address, primary: true }],
    owner: emailOwner === null ? null : { type: emailOwner.type, id: emailOwner.id },
    visibleTo: [],
    status: 'active' as const,
    recordCreatedAt: at,
    custom: {},
    fields: {},
  };
  const type = organization.settings.autoCreate.recordType;
  // The same for all messages of one day, so that two that come at once cannot make two records.
  const day = Math.floor(now.getTime() / dayMilliseconds) * dayMilliseconds;
  const record: CrmRecord = {
    id: deriveIdentifier(
      'rec',
      day,
      `${organization.id}#${type}#${normalizeAddress(address)}${taken === 0 ? '' : `#${taken}`}`,
    ),
    version: 1,
    createdAt: at,
    updatedAt: at,
    externalId: null,
    type,
    origin: 'mailbox',
    ...owned,
    contentHash: hashContent(owned),
  };
  const holder = addressHolderOf(record, true);
  return {
    entry: holder.entry,
    writes: store.writesOf(crmRecordKind, organization.id, undefined, record, {
      changes: [createChange('record.created', author, now)],
      also: addressEntryWrites(organization.id, undefined, holder),
    }),
  };
};
