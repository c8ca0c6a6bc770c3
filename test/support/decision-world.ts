import { type Email, emailKind } from '../../shared/email/email.ts';
import {
  conversationKey,
  messageIdentity,
  messageIdKey,
  messageKey,
  tokenKey,
} from '../../shared/email/message-identity.ts';
import { readMessage } from '../../shared/email/mime/read-message.ts';
import { subjectWrites } from '../../shared/email/subject-index.ts';
import type { Mailbox } from '../../shared/mailbox/mailbox.ts';
import type { Organization } from '../../shared/organization/organization.ts';
import { settingsSchema } from '../../shared/organization/settings.ts';
import { type Queue, queueKind, type User, userKind } from '../../shared/owner/owner.ts';
import { queueDefinition, userDefinition } from '../../shared/owner/owner-definitions.ts';
import { EntityStore } from '../../shared/platform/entity-store.ts';
import { deriveIdentifier, identifierAt } from '../../shared/platform/identifier.ts';
import { applyMergePatch } from '../../shared/platform/merge-patch.ts';
import type { RecordKey, RecordsTable } from '../../shared/platform/records-table.ts';
import { quotaSchema } from '../../shared/quota/quota.ts';
import { type AddressEntry, addressEntryWrites } from '../../shared/record/address-entry.ts';
import { type RecordType, recordTypeKind } from '../../shared/record/record-type.ts';
import { type Decision, decisionKind } from '../../shared/tracking/decision.ts';
import type { MailboxMessage } from '../../shared/tracking/mailbox-message.ts';
import { replayMessage } from '../../shared/tracking/replay-message.ts';
import { createTrackingContext } from '../../shared/tracking/tracking-context.ts';
import { createMemoryContent } from '../bench/support/memory-content.ts';
import { createMemoryTable } from '../bench/support/memory-table.ts';

const organizationId = deriveIdentifier('org', 0, 'decisions');

/** A message that is given to a mailbox; fields are header lines, an empty one is left out. */
export interface GivenMessage {
  readonly fields?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly receivedAt?: Date;
  readonly direction?: 'incoming' | 'outgoing';
  readonly isArrival?: boolean;
}

/** What became of it. */
export interface Decided {
  readonly outcome: string;
  readonly code: string | null;
  readonly email: Email | undefined;
  readonly decision: Decision;
  readonly step: (name: Decision['steps'][number]['step']) => string;
}

/** An organization in memory whose mailboxes are given messages one by one, decided and stored by the product's code. */
export class DecisionWorld {
  readonly table: RecordsTable;
  readonly store: EntityStore;
  organization: Organization;
  now = new Date('2026-11-24T12:00:00.000Z');
  #count = 0;

  constructor(settings: unknown = {}, table: RecordsTable = createMemoryTable([])) {
    this.table = table;
    this.store = new EntityStore(table);
    this.organization = {
      id: organizationId,
      version: 1,
      createdAt: '',
      updatedAt: '',
      externalId: null,
      name: 'Contoso',
      timeZone: 'UTC',
      kind: 'production',
      status: 'active',
      suspendReason: null,
      quota: quotaSchema.parse({}),
      settings: settingsSchema.parse(settings),
      settingsVersion: 1,
      secretSalt: '',
    };
  }

  change(settings: unknown): void {
    const merged = applyMergePatch(this.organization.settings, settings as never);
    this.organization = { ...this.organization, settings: settingsSchema.parse(merged) };
  }

  #next(): number {
    this.#count += 1;
    return this.#count;
  }

  #entity(prefix: 'usr' | 'que' | 'rec' | 'eml' | 'mbx', name: string) {
    return {
      id: deriveIdentifier(prefix, this.now.getTime(), name),
      version: 1,
      createdAt: this.now.toISOString(),
      updatedAt: this.now.toISOString(),
      externalId: name,
    };
  }

  /** `anna` gets the address anna@contoso.example; everyone tracks all mail unless told otherwise. */
  async user(name: string, fields: Partial<User> = {}): Promise<User> {
    const user: User = {
      ...this.#entity('usr', name),
      fullName: name,
      emailAddress: `${name}@contoso.example`,
      otherAddresses: [],
      status: 'active',
      timeZone: null,
      locale: null,
      filtering: 'all',
      autoCreate: null,
      allowSendAs: false,
      canOwnEmail: true,
      userNumber: this.#next(),
      mailboxId: this.#entity('mbx', name).id,
      ...fields,
    };
    const also = addressEntryWrites(organizationId, undefined, userDefinition.holderOf(user));
    return this.store.create(userKind, organizationId, user, { also });
  }

  async queue(name: string, fields: Partial<Queue> = {}): Promise<Queue> {
    const queue: Queue = {
      ...this.#entity('que', name),
      name,
      emailAddress: `${name}@contoso.example`,
      ownerId: null,
      filtering: 'all',
      memberIds: [],
      userNumber: this.#next(),
      mailboxId: this.#entity('mbx', name).id,
      ...fields,
    };
    const also = addressEntryWrites(organizationId, undefined, queueDefinition.holderOf(queue));
    return this.store.create(queueKind, organizationId, queue, { also });
  }

  /** Whoever of the CRM has an address. */
  async record(type: string, address: string, fields: Partial<AddressEntry> = {}): Promise<AddressEntry> {
    this.#count += 1;
    const name = `${type}-${this.#count}`;
    const { id, externalId, createdAt } = this.#entity('rec', name);
    const entry: AddressEntry = {
      type,
      id,
      externalId,
      displayName: name,
      ownerId: null,
      status: 'active',
      createdAt,
      emailEnabled: true,
      ...fields,
    };
    await this.table.write(addressEntryWrites(organizationId, undefined, { entry, addresses: [address] }));
    return entry;
  }

  async recordType(name: string, fields: Partial<RecordType> = {}): Promise<void> {
    const { externalId: _, ...entity } = this.#entity('rec', name);
    const type = {
      ...entity,
      id: name,
      displayName: name,
      emailEnabled: true,
      resolutionRank: null,
    };
    await this.store.create(recordTypeKind, organizationId, { ...type, ...fields });
  }

  /** An email that the hub sent, with all that answers to it are found by. */
  async sent(fields: Partial<Email> = {}, at = new Date(this.now.getTime() - 3_600_000)): Promise<Email> {
    this.#count += 1;
    const id = deriveIdentifier('eml', at.getTime(), `sent-${this.#count}`);
    const party = (address: string) => ({ address, records: [] });
    const email: Email = {
      ...this.#entity('eml', ''),
      id,
      externalId: null,
      direction: 'outgoing',
      status: 'sent',
      mailboxId: null,
      ownerId: null,
      from: party('anna@contoso.example'),
      sender: null,
      to: [party('carl@client.example')],
      cc: [],
      bcc: [],
      replyTo: [],
      subject: 'Our offer',
      regarding: { type: 'opportunity', id: deriveIdentifier('rec', 0, `regarding-${this.#count}`), externalId: null },
      inReplyTo: null,
      priority: 'normal',
      sendAt: null,
      readReceipt: false,
      deliveryReceipt: false,
      headers: {},
      attachments: [],
      messageId: `<${id}@contoso.example>`,
      references: [],
      token: null,
      conversationId: id,
      correlation: { method: 'none', emailId: null },
      acceptedBy: null,
      queueIds: [],
      receivedByMailboxIds: [],
      sizeBytes: 0,
      receivedAt: null,
      sentAt: at.toISOString(),
      rawKey: null,
      delivery: null,
      ...fields,
    };
    const { messageId, token, conversationIndex, from } = email;
    const pointer = (kind: string, key: RecordKey) => ({ put: { ...key, v: 1, kind, organizationId, emailId: id } });
    const identity = messageIdentity(messageId ?? '', from.address, at);
    return this.store.create(emailKind, organizationId, email, {
      also: [
        pointer('message', messageKey(organizationId, 'outgoing', identity)),
        ...(messageId === null ? [] : [pointer('messageId', messageIdKey(organizationId, messageId, id))]),
        ...(token === null ? [] : [pointer('token', tokenKey(organizationId, token, id))]),
        ...(conversationIndex === undefined
          ? []
          : [pointer('conversation', conversationKey(organizationId, conversationIndex, id))]),
        ...subjectWrites(this.organization, email),
      ],
    });
  }

  /** The message as the mailbox of a user or queue has it. */
  message(given: GivenMessage = {}): { readonly message: MailboxMessage; readonly raw: Buffer } {
    this.#count += 1;
    const receivedAt = given.receivedAt ?? this.now;
    const fields = {
      'Message-ID': `<message-${this.#count}@client.example>`,
      Date: receivedAt.toUTCString(),
      From: 'Carl Client <carl@client.example>',
      To: 'anna@contoso.example',
      Subject: `Question ${this.#count}`,
      ...given.fields,
    };
    const lines = Object.entries(fields).flatMap(([name, value]) => (value === '' ? [] : [`${name}: ${value}`]));
    const raw = Buffer.from(`${lines.join('\r\n')}\r\n${given.body ?? '\r\nHello\r\n'}`);
    const message: MailboxMessage = {
      folder: given.direction === 'outgoing' ? 'Sent' : 'INBOX',
      direction: given.direction ?? 'incoming',
      uidValidity: '1',
      uid: this.#count,
      sizeBytes: raw.length,
      receivedAt,
      isArrival: given.isArrival ?? true,
      headers: readMessage(raw).headers,
    };
    return { message, raw };
  }

  /** What deciding about mail of this owner's mailbox works with. */
  context(owner: Pick<User | Queue, 'id' | 'mailboxId'> | undefined, processFrom: Date | null = null) {
    const mailbox = {
      id: owner?.mailboxId ?? this.#entity('mbx', 'forward').id,
      ownerId: owner?.id ?? null,
      workloads: { incoming: { mode: 'active' } },
    } as Mailbox;
    const dependencies = { store: this.store, content: createMemoryContent(), now: () => this.now };
    return createTrackingContext(dependencies, this.organization, mailbox, processFrom);
  }

  /** The mailbox of a user or queue gets a message, and its next cycle decides. */
  async receive(
    owner: Pick<User | Queue, 'id' | 'mailboxId'> | undefined,
    given: GivenMessage = {},
    processFrom: Date | null = null,
  ): Promise<Decided> {
    const context = this.context(owner, processFrom);
    const { message, raw } = this.message(given);
    const { emailId } = await replayMessage(context, message, raw);
    const email = emailId === undefined ? undefined : await this.store.get(emailKind, organizationId, emailId);
    const decisions = await this.store.list(decisionKind, organizationId, { limit: 1_000, ascending: true });
    const decision = decisions.items.find(
      ({ mailboxId, uid }) => mailboxId === context.mailbox.id && uid === message.uid,
    );
    if (decision === undefined) throw new Error('Nothing was decided');
    const step = (name: string): string => decision.steps.find((one) => one.step === name)?.detail ?? '';
    return { outcome: decision.outcome, code: decision.code, email, decision, step };
  }

  async emails(): Promise<readonly Email[]> {
    const page = await this.store.list(emailKind, organizationId, {
      limit: 1_000,
      from: identifierAt('eml', 0),
      ascending: true,
    });
    return page.items;
  }

  /** What the CRM was told of records that came to be. */
  async createdRecords(): Promise<readonly string[]> {
    const { items } = await this.table.query({ pk: `${organizationId}#record` });
    return items.map(({ entity }) => (entity as { readonly type: string }).type);
  }
}
