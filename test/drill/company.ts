import type { LocalEnvironment } from '../../local/environment.ts';
import { eventually } from '../../local/eventually.ts';
import type { FeedEvent, HubClient } from '../../local/hub-client.ts';
import { findMailUser, listMessages } from '../../local/mailbox-client.ts';
import { deliverMessage } from '../support/mailbox-client.ts';
import { createOrganization, createServerProfile, enableMailbox } from '../support/organization-setup.ts';
import { readWholeList } from '../support/read-whole-list.ts';

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

const isFinal = ({ type }: FeedEvent): boolean =>
  type === 'email.sent' || type === 'email.failed' || type === 'email.unconfirmed';

/** An organization with mailboxes on the real servers, that knows what it was sent and what it has sent. */
export class Company {
  readonly name: string;
  readonly organizationId: string;
  readonly hub: HubClient;
  readonly mailboxes: readonly DrilledMailbox[];
  /** Sends of which nobody can know whether they were delivered, when it was last looked. */
  unconfirmed = 0;
  readonly #environment: LocalEnvironment;
  readonly #received: { readonly messageId: string; readonly mailboxId: string }[] = [];
  readonly #sends: string[] = [];
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
    this.#sends.push(id);
  }

  schedule(mailbox: DrilledMailbox): Promise<Schedule> {
    return this.hub.get<Schedule>(`/mailboxes/${mailbox.mailboxId}/schedule`);
  }

  async openAlerts(): Promise<readonly Alert[]> {
    return await readWholeList<Alert>(this.hub, '/alerts?status=open');
  }

  /** Waits until all that was received is tracked and all that was sent has an end. */
  async settle(seconds: number): Promise<void> {
    await eventually(
      async () => {
        const events = await this.#readFeed();
        const tracked = new Set(
          events.flatMap(({ type, data }) => (type === 'email.tracked' ? [data['messageId']] : [])),
        );
        const ended = new Set(events.filter(isFinal).map(({ subject }) => subject.id));
        const open = [
          ...this.#received.filter(({ messageId }) => !tracked.has(messageId)),
          ...this.#sends.filter((id) => !ended.has(id)),
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

  /** What was lost, doubled, or is missing in the feed, as seen from outside; nothing when all is as promised. */
  async findViolations(): Promise<readonly string[]> {
    const [events, again, emails] = [
      await this.#readFeed(),
      await this.#readFeed(),
      await readWholeList<Email>(this.hub, '/emails?fields=summary'),
    ];
    const inbox = await listMessages(this.#environment.mail, findMailUser(this.#environment.mail, client));
    const violations: string[] = [];
    const expectOnce = (what: string, count: number): void => {
      if (count !== 1) violations.push(`${what}: ${count} times`);
    };
    for (const [index, { sequence, id }] of events.entries()) {
      if (sequence !== index + 1) violations.push(`the feed has ${sequence} where ${index + 1} should be`);
      if (again[index]?.id !== id) violations.push(`the feed told ${id} the first time and ${again[index]?.id} then`);
    }
    const told = new Set(events.map(({ id }) => id));
    if (told.size !== events.length) violations.push(`the feed tells ${events.length - told.size} events twice`);
    const versions = new Map<string, number>();
    for (const { subject, version } of events) {
      const key = `${subject.type} ${subject.id}`;
      if ((versions.get(key) ?? 0) > version) violations.push(`the feed tells ${key} out of order`);
      versions.set(key, version);
    }
    for (const { messageId } of this.#received) {
      expectOnce(`${messageId} as email`, emails.filter((one) => one.messageId === messageId).length);
      const tracked = events.filter(({ type, data }) => type === 'email.tracked' && data['messageId'] === messageId);
      expectOnce(`${messageId} tracked in the feed`, tracked.length);
    }
    const alerts = await this.openAlerts();
    this.unconfirmed = 0;
    for (const id of this.#sends) {
      const email = emails.find((one) => one.id === id);
      const copies = inbox.filter((one) => one.messageId === email?.messageId).length;
      expectOnce(
        `the end of the Send ${id}`,
        events.filter((event) => isFinal(event) && event.subject.id === id).length,
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
    return { received: this.#received.length, sent: this.#sends.length };
  }

  async #readFeed(): Promise<readonly FeedEvent[]> {
    const events: FeedEvent[] = [];
    for (let cursor = '0', hasMore = true; hasMore; ) {
      const page = await this.hub.get<{
        readonly data: readonly FeedEvent[];
        readonly nextCursor: string;
        readonly hasMore: boolean;
      }>(`/feed?cursor=${encodeURIComponent(cursor)}&limit=500`);
      events.push(...page.data);
      cursor = page.nextCursor;
      hasMore = page.hasMore;
    }
    return events;
  }
}
