import type { LocalEnvironment } from '../../local/environment.ts';
import { eventually } from '../../local/eventually.ts';
import type { FeedEvent, HubClient } from '../../local/hub-client.ts';
import { findMailUser, listMessages } from '../../local/mailbox-client.ts';
import { deliverMessage } from '../support/mailbox-client.ts';
import { createOrganization, createServerProfile, enableMailbox } from '../support/organization-setup.ts';
import { readWholeList } from '../support/read-whole-list.ts';
import { CompanyFeed } from './company-feed.ts';

export interface WorkloadSchedule {
  readonly state: string;
  readonly nextRunAt: string | null;
  readonly lastStartedAt: string | null;
  readonly lastCompletedAt: string | null;
  readonly lastSuccessAt: string | null;
}

interface Schedule {
  readonly health: string;
  readonly workloads: { readonly incoming: WorkloadSchedule; readonly outgoing: WorkloadSchedule };
}

interface Email {
  readonly id: string;
  readonly status: string;
  readonly direction: 'incoming' | 'outgoing';
  readonly subject: string;
  readonly messageId: string | null;
}

export interface Alert {
  readonly code: string;
  readonly subject: { readonly id: string };
  readonly mailboxId: string | null;
}

export interface DrilledMailbox {
  readonly mailboxId: string;
  readonly address: string;
}

/** To whom all Sends go. */
const client = 'carl@client.example';

const finalStatuses = ['sent', 'failed', 'unconfirmed'];

/** Told by an event of the feed, or by the status that a snapshot shows. */
const tellsEnd = ({ type, data }: FeedEvent): boolean =>
  type === 'email.snapshot'
    ? finalStatuses.includes(String(data['status']))
    : finalStatuses.includes(type.replace(/^email\./, ''));

const tellsTracked = ({ type, data }: FeedEvent): boolean =>
  type === 'email.tracked' || (type === 'email.snapshot' && data['direction'] === 'incoming');

/** An organization with mailboxes on the real servers, that knows what it was sent and what it has sent. */
export class Company {
  readonly name: string;
  readonly organizationId: string;
  readonly hub: HubClient;
  readonly mailboxes: readonly DrilledMailbox[];
  /** Sends of which nobody can know whether they were delivered, when it was last looked. */
  unconfirmed = 0;
  readonly #environment: LocalEnvironment;
  readonly #feed: CompanyFeed;
  readonly #received: { readonly messageId: string; readonly mailboxId: string }[] = [];
  #sends: readonly { readonly id: string; readonly due: number }[] = [];
  /** Message-IDs of Sends that went out and that the hub knows nothing of any more. */
  #forgotten: readonly string[] = [];
  #number = 0;

  private constructor(
    environment: LocalEnvironment,
    fields: Pick<Company, 'name' | 'organizationId' | 'hub' | 'mailboxes'>,
  ) {
    this.#environment = environment;
    this.name = fields.name;
    this.organizationId = fields.organizationId;
    this.hub = fields.hub;
    this.mailboxes = fields.mailboxes;
    this.#feed = new CompanyFeed(fields.hub);
  }

  /** @param intervalSeconds between two readings of a mailbox */
  static async found(
    environment: LocalEnvironment,
    name: string,
    addresses: readonly string[],
    intervalSeconds: number,
  ): Promise<Company> {
    const { id: organizationId, hub } = await createOrganization(environment, { name, kind: 'sandbox' });
    await hub.patch('/settings', {
      schedule: { incoming: { seconds: intervalSeconds }, retry: { seconds: 5 } },
      outgoing: { allowUnresolvedRecipients: true, sandboxAllow: ['*'] },
    });
    const serverProfileId = await createServerProfile(hub, environment.mail);
    const mailboxes = await Promise.all(
      addresses.map(async (address) => {
        const mailUser = findMailUser(environment.mail, address);
        const { mailboxId } = await enableMailbox(hub, { serverProfileId, mailUser, externalId: address });
        return { mailboxId, address };
      }),
    );
    return new Company(environment, { name, organizationId, hub, mailboxes });
  }

  /** Mail comes from outside. */
  async receive(mailbox: DrilledMailbox, count = 1): Promise<void> {
    for (let each = 0; each < count; each += 1) {
      this.#number += 1;
      const messageId = `<${this.name}-${this.#number}@client.example>`;
      await deliverMessage(this.#environment.mail, {
        from: client,
        to: mailbox.address,
        subject: `${this.name} ${this.#number}`,
        messageId,
        text: 'A message from outside.',
      });
      this.#received.push({ messageId, mailboxId: mailbox.mailboxId });
    }
  }

  /** A Send is accepted, for now or for so many seconds from now. */
  async send(mailbox: DrilledMailbox, inSeconds = 0): Promise<void> {
    this.#number += 1;
    const { id } = await this.hub.post<{ readonly id: string }>('/emails', {
      from: { owner: `ext:${mailbox.address}` },
      to: [{ address: client }],
      subject: `${this.name} ${this.#number}`,
      body: { text: 'A message of the drill.' },
      send: true,
      ...(inSeconds === 0 ? {} : { sendAt: new Date(Date.now() + inSeconds * 1000).toISOString() }),
    });
    this.#sends = [...this.#sends, { id, due: Date.now() + inSeconds * 1000 }];
  }

  schedule(mailbox: DrilledMailbox): Promise<Schedule> {
    return this.hub.get<Schedule>(`/mailboxes/${mailbox.mailboxId}/schedule`);
  }

  async openAlerts(): Promise<readonly Alert[]> {
    return await readWholeList<Alert>(this.hub, '/alerts?status=open');
  }

  /** Waits until all that was received is tracked, and all Sends that are due by then [any] have an end. */
  async settle(seconds: number, dueBy = Number.POSITIVE_INFINITY): Promise<void> {
    await eventually(
      async () => {
        const told = [...this.#feed.snapshot, ...(await this.#feed.read())];
        const tracked = new Set(told.filter(tellsTracked).map(({ data }) => data['messageId']));
        const ended = new Set(told.filter(tellsEnd).map(({ subject }) => subject.id));
        const open = [
          ...this.#received.filter(({ messageId }) => !tracked.has(messageId)),
          ...this.#sends.filter(({ id, due }) => due <= dueBy && !ended.has(id)),
        ];
        return open.length === 0 ? true : undefined;
      },
      { what: `everything of ${this.name} is tracked or sent`, seconds, everyMilliseconds: 2_000 },
    );
  }

  /** As the emails themselves tell, whatever the feed knows. */
  async hasSentAll(): Promise<boolean> {
    const emails = await readWholeList<Email>(this.hub, '/emails?direction=outgoing&fields=summary');
    return emails.every(({ status }) => status !== 'pendingSend' && status !== 'sending');
  }

  /** How many Sends it has had accepted; what a backup of this moment knows. */
  get sendCount(): number {
    return this.#sends.length;
  }

  /** Before the tables are brought back to the moment of so many Sends: the hub will know no later one. */
  async forgetSendsAfter(count: number): Promise<void> {
    const emails = await readWholeList<Email>(this.hub, '/emails?direction=outgoing&fields=summary');
    const later = this.#sends.slice(count).map((send) => emails.find(({ id }) => id === send.id)?.messageId);
    this.#forgotten = [...this.#forgotten, ...later.map((messageId) => String(messageId))];
    this.#sends = this.#sends.slice(0, count);
  }

  /** Its CRM takes a snapshot and reads on from there. */
  async beginFeedAnew(): Promise<void> {
    await this.#feed.beginAnew();
  }

  /** What was lost, doubled, or is missing in the feed, as seen from outside; nothing when all is as promised. */
  async findViolations(): Promise<readonly string[]> {
    const [events, again, emails] = [
      await this.#feed.read(),
      await this.#feed.read(),
      await readWholeList<Email>(this.hub, '/emails?fields=summary'),
    ];
    const told = [...this.#feed.snapshot, ...events];
    const inbox = await listMessages(this.#environment.mail, findMailUser(this.#environment.mail, client));
    const violations: string[] = [];
    const expectOnce = (what: string, count: number): void => {
      if (count !== 1) violations.push(`${what}: ${count} times`);
    };
    for (const [index, { sequence, id }] of events.entries()) {
      const expected = this.#feed.startsAfter + index + 1;
      if (sequence !== expected) violations.push(`the feed has ${sequence} where ${expected} should be`);
      if (again[index]?.id !== id) violations.push(`the feed told ${id} the first time and ${again[index]?.id} then`);
    }
    const distinct = new Set(events.map(({ id }) => id)).size;
    if (distinct !== events.length) violations.push(`the feed tells ${events.length - distinct} events twice`);
    const versions = new Map<string, number>();
    for (const { subject, version } of events) {
      const key = `${subject.type} ${subject.id}`;
      if ((versions.get(key) ?? 0) > version) violations.push(`the feed tells ${key} out of order`);
      versions.set(key, version);
    }
    for (const { messageId } of this.#received) {
      expectOnce(`${messageId} as email`, emails.filter((one) => one.messageId === messageId).length);
      const tracked = told.filter((event) => tellsTracked(event) && event.data['messageId'] === messageId);
      expectOnce(`${messageId} tracked in the feed`, tracked.length);
    }
    const alerts = await this.openAlerts();
    this.unconfirmed = 0;
    for (const messageId of this.#forgotten)
      expectOnce(`the forgotten Send ${messageId}`, inbox.filter((one) => one.messageId === messageId).length);
    for (const { id } of this.#sends) {
      const email = emails.find((one) => one.id === id);
      const copies = inbox.filter((one) => one.messageId === email?.messageId).length;
      expectOnce(
        `the end of the Send ${id}`,
        told.filter((event) => tellsEnd(event) && event.subject.id === id).length,
      );
      // A run that died between the content and the server's answer: nobody may guess, and a person is told.
      if (email?.status === 'unconfirmed' && copies <= 1) {
        this.unconfirmed += 1;
        if (!alerts.some(({ subject }) => subject.id === id)) violations.push(`nobody is told of the Send ${id}`);
        continue;
      }
      if (email?.status !== 'sent') violations.push(`the Send ${id} is ${email?.status}`);
      expectOnce(`the Send ${id} in the client's Inbox`, copies);
    }
    return violations;
  }

  get counts(): { readonly received: number; readonly sent: number } {
    return { received: this.#received.length, sent: this.#sends.length + this.#forgotten.length };
  }
}
