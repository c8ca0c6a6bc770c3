import { type Email, emailKind } from '../email/email.ts';
import { messageIdPrefix, messageKey } from '../email/message-identity.ts';
import type { MailAddress } from '../email/mime/mail-addresses.ts';
import type { MessageHeaders } from '../email/mime/message-headers.ts';
import type { Mailbox } from '../mailbox/mailbox.ts';
import type { Organization } from '../organization/organization.ts';
import { userKind } from '../owner/owner.ts';
import { normalizeAddress, withoutSubaddress } from '../platform/address.ts';
import { type EntityStore, fromItem } from '../platform/entity-store.ts';
import { partition, recordKey } from '../platform/records-table.ts';
import { resolveRecipient, resolveSender } from '../record/resolve-address.ts';
import { isOwnerEntry, listDeliveries, listRecipients, type Participants } from './participants.ts';
import { loadTrackingOwner, type TrackingOwner } from './tracking-owner.ts';

const keptAddresses = 5_000;
const lookUpsAtOnce = 25;

/**
 * What decisions ask the records for. Answers are kept for one run: addresses repeat from message to message, and what
 * the CRM changes meanwhile counts from the next run on, or once `forget` is called.
 */
export class TrackingLookups {
  readonly #store: EntityStore;
  readonly #organization: Organization;
  readonly #mailboxOwnerId: string | null;
  readonly #senders = new Map<string, ReturnType<typeof resolveSender>>();
  readonly #recipients = new Map<string, ReturnType<typeof resolveRecipient>>();
  readonly #owners = new Map<string, Promise<TrackingOwner | undefined>>();

  constructor(store: EntityStore, organization: Organization, mailboxOwnerId: string | null) {
    this.#store = store;
    this.#organization = organization;
    this.#mailboxOwnerId = mailboxOwnerId;
  }

  async participants(headers: MessageHeaders): Promise<Participants> {
    const { from } = headers;
    const listed = listRecipients(headers);
    const sender = from === null ? null : { address: from, resolution: await this.#sender(from) };
    const recipients = [];
    for (let start = 0; start < listed.length; start += lookUpsAtOnce)
      recipients.push(
        ...(await Promise.all(
          listed.slice(start, start + lookUpsAtOnce).map(async ({ field, address }) => ({
            field,
            address,
            entries: (await this.#recipient(address)).chosen,
          })),
        )),
      );
    const deliveredTo = await Promise.all(
      listDeliveries(headers).map(async (address) => ({ address, entries: (await this.#recipient(address)).chosen })),
    );
    return { sender, recipients, deliveredTo };
  }

  /** The users and queues among the participants. */
  async owners({ recipients, deliveredTo }: Participants): Promise<ReadonlyMap<string, TrackingOwner>> {
    const ids = new Set(
      [...recipients, ...deliveredTo].flatMap(({ entries }) => entries.filter(isOwnerEntry).map(({ id }) => id)),
    );
    const found = new Map<string, TrackingOwner>();
    for (const id of ids) {
      const owner = await this.owner(id);
      if (owner !== undefined) found.set(id, owner);
    }
    return found;
  }

  async ownerOf({ ownerId }: Pick<Mailbox, 'ownerId'>): Promise<TrackingOwner | undefined> {
    return ownerId === null ? undefined : this.owner(ownerId);
  }

  owner(id: string): Promise<TrackingOwner | undefined> {
    return remember(this.#owners, id, () =>
      loadTrackingOwner(this.#store, this.#organization.id, id, this.#organization.settings.tracking),
    );
  }

  /** The email that a message of this identity already became. */
  async trackedEmail(direction: MessageDirection, identity: string): Promise<string | undefined> {
    const pointer = await this.#store.table.get(messageKey(this.#organization.id, direction, identity));
    return pointer === undefined ? undefined : String(pointer['emailId']);
  }

  /** The emails that messages of these identities already became, by identity: one read for up to 100. */
  async trackedEmails(
    direction: MessageDirection,
    identities: readonly string[],
  ): Promise<ReadonlyMap<string, string>> {
    const keys = new Map(
      identities.map((identity) => [messageKey(this.#organization.id, direction, identity).sk, identity]),
    );
    const items = await this.#store.table.getMany(
      [...keys.values()].map((identity) => messageKey(this.#organization.id, direction, identity)),
    );
    return new Map(items.map((item) => [keys.get(item.sk) ?? '', String(item['emailId'])]));
  }

  /** The outgoing email with this Message-ID from this address: the one that the hub sent. */
  async sentEmail(messageId: string, fromAddress: string): Promise<Email | undefined> {
    const organizationId = this.#organization.id;
    const pointers = await this.#store.table.query({
      pk: partition(organizationId, 'messageId'),
      prefix: messageIdPrefix(messageId),
      limit: 20,
    });
    const items = await this.#store.table.getMany(
      pointers.items.map(({ sk }) => recordKey(organizationId, emailKind.kind, sk.slice(sk.lastIndexOf('#') + 1))),
    );
    const sender = normalizeAddress(fromAddress);
    return items
      .map((item) => fromItem(emailKind, item))
      .find(({ direction, from }) => direction === 'outgoing' && normalizeAddress(from.address) === sender);
  }

  /** Forgets what is known of an address, since a record with it has just come into being. */
  forget(address: string): void {
    this.#senders.delete(normalizeAddress(address));
    this.#recipients.delete(normalizeAddress(address));
  }

  #sender({ address }: MailAddress) {
    return remember(this.#senders, normalizeAddress(address), async () =>
      resolveSender(this.#store.table, this.#organization, address, await this.#recordOwner()),
    );
  }

  #recipient({ address }: MailAddress) {
    return remember(this.#recipients, normalizeAddress(address), async () => {
      const owner = await this.#recordOwner();
      const resolution = await resolveRecipient(this.#store.table, this.#organization, address, owner);
      const base = resolution.reason === 'noMatch' ? withoutSubaddress(address) : undefined;
      if (base === undefined) return resolution;
      // Only of our own people it is known that what stands behind the plus leads to the same mailbox.
      const detailed = await resolveRecipient(this.#store.table, this.#organization, base, owner);
      return detailed.candidates.some(isOwnerEntry)
        ? { ...detailed, chosen: detailed.chosen.filter(isOwnerEntry) }
        : resolution;
    });
  }

  /** Whose records go before those of others: the mailbox's user, or who owns its queue. */
  async #recordOwner(): Promise<string | null> {
    const id = this.#mailboxOwnerId;
    if (id === null || id.startsWith(`${userKind.prefix}_`)) return id;
    return (await this.owner(id))?.emailOwner?.id ?? null;
  }
}

export type MessageDirection = 'incoming' | 'outgoing';

/** One look-up for all who ask while it runs and after; a failed one is not kept. */
const remember = <Answer>(
  known: Map<string, Promise<Answer>>,
  key: string,
  ask: () => Promise<Answer>,
): Promise<Answer> => {
  const before = known.get(key);
  if (before !== undefined) return before;
  if (known.size >= keptAddresses) known.clear();
  const answer = ask();
  known.set(key, answer);
  answer.catch(() => known.delete(key));
  return answer;
};
