import { beforeAll, describe, expect, inject, it } from 'vitest';
import type { LocalEnvironment } from '../../local/environment.ts';
import { eventually } from '../support/eventually.ts';
import { createHubClient, type FeedEvent, type HubAnswer, type HubClient } from '../support/hub-client.ts';
import { findMailUser, readMessage, submitMessage, waitForMessage } from '../support/mailbox-client.ts';

type Identified = { readonly id: string };
type Schedule = {
  readonly workloads: { readonly incoming: { readonly phase: string; readonly lastSuccessAt: string | null } };
};

/** Everything that the caller of API section 17 gets to see, in order. */
type Walk = {
  readonly organization: HubAnswer;
  readonly key: HubAnswer;
  readonly profile: HubAnswer;
  readonly user: HubAnswer;
  readonly mailbox: HubAnswer;
  readonly approved: HubAnswer;
  readonly testAccepted: HubAnswer;
  readonly test: HubAnswer;
  readonly contact: HubAnswer;
  readonly recordType: HubAnswer;
  readonly opportunity: HubAnswer;
  readonly draft: HubAnswer;
  readonly draftAgain: HubAnswer;
  readonly sendAccepted: HubAnswer;
  readonly sendAgain: HubAnswer;
  readonly sending: readonly FeedEvent[];
  readonly sent: HubAnswer;
  readonly received: Buffer;
  readonly sentCopy: Buffer;
  readonly answerId: string;
  readonly syncAccepted: HubAnswer;
  readonly sync: HubAnswer;
  readonly tracked: readonly FeedEvent[];
  readonly decisions: HubAnswer;
  readonly schedule: HubAnswer;
};

const annasAddress = 'anna@contoso.example';
const carlsAddress = 'carl@client.example';

const walk = async (environment: LocalEnvironment): Promise<Walk> => {
  const { hubUrl, operatorKey, mail } = environment;
  const anna = findMailUser(mail, annasAddress);
  const carl = findMailUser(mail, carlsAddress);
  const operator = createHubClient(hubUrl, operatorKey);
  const idOf = (answer: HubAnswer): string => (answer.body as Identified).id;

  const organization = await operator.request('POST', '/organizations', { name: 'Contoso' });
  const keyPath = `/organizations/${idOf(organization)}/api-keys`;
  const key = await operator.request('POST', keyPath, { name: 'setup', role: 'admin' });
  const hub: HubClient = operator.withKey((key.body as { readonly secret: string }).secret);
  const profile = await hub.request('POST', '/server-profiles', {
    name: 'Dovecot',
    kind: 'imapSmtp',
    incoming: { protocol: 'imap', ...mail.imap },
    outgoing: { protocol: 'smtp', ...mail.submission },
    credentials: { source: 'mailbox', authentication: 'password' },
    caCertificates: mail.caCertificate,
    maxConnections: 10,
  });
  const user = await hub.request('PUT', '/users/ext:u-17', {
    fullName: 'Anna',
    emailAddress: annasAddress,
    filtering: 'responses',
  });
  const { mailboxId } = user.body as { readonly mailboxId: string };
  const mailbox = await hub.request('PATCH', `/mailboxes/${mailboxId}`, {
    serverProfileId: idOf(profile),
    credentials: { username: anna.username, password: anna.password },
    workloads: { incoming: { method: 'serverSideSync' }, outgoing: { method: 'serverSideSync' } },
  });
  const approved = await hub.request('POST', `/mailboxes/${mailboxId}/approve`);
  const testAccepted = await hub.request('POST', `/mailboxes/${mailboxId}/test-and-enable`, {});
  await hub.waitForOperation(idOf(testAccepted));
  const test = await hub.request('GET', `/operations/${idOf(testAccepted)}?wait=20`);

  const contact = await hub.request('PUT', '/records/contact/ext:c-9', {
    displayName: 'Carl Client',
    emails: [{ address: carlsAddress, primary: true }],
    ownerId: 'ext:u-17',
  });
  const recordType = await hub.request('PUT', '/record-types/opportunity', { displayName: 'Opportunity' });
  const opportunity = await hub.request('PUT', '/records/opportunity/ext:o-3', { displayName: '500 chairs' });
  const head = await hub.get<{ readonly cursor: string }>('/feed/head');

  const offer = {
    externalId: 'e-1',
    from: { owner: 'ext:u-17' },
    to: [{ record: { type: 'contact', id: 'ext:c-9' } }],
    subject: 'Our offer',
    body: { text: 'Dear Carl…' },
    regarding: { type: 'opportunity', id: 'ext:o-3' },
  };
  const once = { 'idempotency-key': 'o-3-offer-1' };
  const draft = await hub.request('POST', '/emails', offer, once);
  const draftAgain = await hub.request('POST', '/emails', offer, once);
  const sendAccepted = await hub.request('POST', `/emails/${idOf(draft)}/send`, {});
  const sendAgain = await hub.request('POST', `/emails/${idOf(draft)}/send`, {});
  const { events: sending, cursor } = await hub.followFeed({
    cursor: head.cursor,
    until: (events) => events.some(({ type }) => type === 'email.sent'),
    what: 'email.sent',
  });
  const sent = await hub.request('GET', '/emails/ext:e-1');
  const { messageId } = sent.body as { readonly messageId: string };
  const inInbox = await waitForMessage(mail, carl, messageId);
  const inSent = await waitForMessage(mail, anna, messageId, { folder: 'Sent' });
  // Enabling asked for a cycle, and it must not be one that is still going on that answers what is asked for below.
  await eventually(
    async () => {
      const { workloads } = await hub.get<Schedule>(`/mailboxes/${mailboxId}/schedule`);
      return workloads.incoming.phase === 'armed' && workloads.incoming.lastSuccessAt !== null ? true : undefined;
    },
    { what: 'the first cycle is over', seconds: 60 },
  );

  const answer = await submitMessage(mail, carl, {
    from: { name: 'Carl Client', address: carlsAddress },
    to: annasAddress,
    subject: `Re: ${inInbox.subject}`,
    inReplyTo: messageId,
    references: messageId,
    text: 'Agreed.',
  });
  await waitForMessage(mail, anna, answer.messageId);
  const syncAccepted = await hub.request('POST', `/mailboxes/${mailboxId}/sync`, { workloads: ['incoming'] });
  await hub.waitForOperation(idOf(syncAccepted));
  const sync = await hub.request('GET', `/operations/${idOf(syncAccepted)}`);
  const { events: tracked } = await hub.followFeed({
    cursor,
    types: 'email.tracked',
    until: (events) => events.length > 0,
    what: 'email.tracked',
  });
  return {
    ...{ organization, key, profile, user, mailbox, approved, testAccepted, test, contact, recordType, opportunity },
    ...{ draft, draftAgain, sendAccepted, sendAgain, sending, sent },
    received: await readMessage(mail, carl, inInbox.uid),
    sentCopy: await readMessage(mail, anna, inSent.uid, 'Sent'),
    answerId: answer.messageId,
    ...{ syncAccepted, sync, tracked },
    decisions: await hub.request('GET', `/decisions?mailboxId=${mailboxId}&outcome=tracked`),
    schedule: await hub.request('GET', `/mailboxes/${mailboxId}/schedule`),
  };
};

const id = (prefix: string): unknown => expect.stringMatching(new RegExp(`^${prefix}_[0-9A-Za-z]{16,40}$`));
const instant: unknown = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
const header = (raw: Buffer, name: string): string | undefined =>
  new RegExp(`^${name}: (.*(?:\\r\\n[ \\t].*)*)$`, 'im').exec(raw.toString('latin1'))?.[1];

describe('the worked example', () => {
  let seen: Walk;
  let bodyOf: (name: keyof Walk) => Readonly<Record<string, unknown>>;

  beforeAll(async () => {
    seen = await walk(inject('localCloud'));
    bodyOf = (name) => (seen[name] as HubAnswer).body as Readonly<Record<string, unknown>>;
  });

  it('creates an organization and a key, told once', () => {
    expect(seen.organization).toMatchObject({
      status: 201,
      body: { id: id('org'), name: 'Contoso', kind: 'production', status: 'active' },
    });
    expect(seen.key).toMatchObject({ status: 201, body: { id: id('key'), role: 'admin', secret: expect.any(String) } });
  });

  it('creates profile, user and mailbox, and tells no secret', () => {
    expect(seen.profile.status).toBe(201);
    expect(seen.profile.headers.get('location')).toContain(String(bodyOf('profile')['id']));
    expect(seen.user).toMatchObject({
      status: 201,
      body: { id: id('usr'), externalId: 'u-17', mailboxId: id('mbx'), emailAddress: annasAddress },
    });
    expect(seen.mailbox).toMatchObject({
      status: 200,
      body: {
        emailAddress: annasAddress,
        serverProfileId: bodyOf('profile')['id'],
        credentials: { username: annasAddress, password: { isSet: true, setAt: instant } },
        approval: { status: 'pending' },
        workloads: {
          incoming: { method: 'serverSideSync', state: 'notTested' },
          outgoing: { method: 'serverSideSync', state: 'notTested' },
        },
      },
    });
    expect(seen.approved).toMatchObject({ status: 200, body: { approval: { status: 'approved', at: instant } } });
  });

  it('tests and enables both directions, step by step', () => {
    expect(seen.testAccepted.status).toBe(202);
    expect(seen.testAccepted.headers.get('location')).toBe(`/v1/operations/${bodyOf('testAccepted')['id']}`);
    expect(bodyOf('test')).toMatchObject({
      id: id('opn'),
      kind: 'testAndEnable',
      status: 'succeeded',
      subject: { type: 'mailbox', id: bodyOf('user')['mailboxId'] },
      finishedAt: instant,
      result: {
        workloads: {
          incoming: { status: 'success', enabled: true },
          outgoing: { status: 'success', enabled: true },
        },
      },
    });
    const { workloads } = bodyOf('test')['result'] as {
      readonly workloads: Readonly<Record<string, { readonly steps: readonly Readonly<Record<string, unknown>>[] }>>;
    };
    expect(workloads['incoming']?.steps.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['resolve', 'connect', 'tls', 'authenticate', 'list']),
    );
    for (const step of Object.values(workloads).flatMap(({ steps }) => steps))
      expect(step).toMatchObject({ name: expect.any(String), status: 'success', seconds: expect.any(Number) });
  });

  it('takes records of the CRM, types of its own among them', () => {
    expect(seen.contact).toMatchObject({ status: 201, body: { id: id('rec'), externalId: 'c-9' } });
    expect(seen.recordType.status).toBe(201);
    expect(seen.opportunity).toMatchObject({ status: 201, body: { id: id('rec'), externalId: 'o-3' } });
  });

  it('takes a draft once however often it is posted, and a Send once', () => {
    expect(seen.draft).toMatchObject({
      status: 201,
      body: {
        id: id('eml'),
        externalId: 'e-1',
        direction: 'outgoing',
        status: 'draft',
        to: [{ address: carlsAddress, records: [{ type: 'contact', id: bodyOf('contact')['id'], externalId: 'c-9' }] }],
        regarding: { type: 'opportunity', id: bodyOf('opportunity')['id'], externalId: 'o-3' },
      },
    });
    expect(seen.draftAgain).toMatchObject({ status: 201, body: { id: bodyOf('draft')['id'] } });
    expect(seen.draftAgain.headers.get('idempotent-replayed')).toBe('true');
    expect(seen.sendAccepted).toMatchObject({ status: 202, body: { status: 'pendingSend' } });
    expect(seen.sendAgain).toMatchObject({ status: 409, body: { code: 'invalidState' } });
  });

  it('tells each step of the Send in the feed, in order and without a gap', () => {
    // What the CRM pushed just before may still be told behind the head that it read.
    const steps = seen.sending.filter(({ subject }) => subject.type === 'email');
    expect(steps.map(({ type }) => type)).toEqual([
      'email.draftCreated',
      'email.pendingSend',
      'email.sending',
      'email.sent',
    ]);
    const [first] = seen.sending;
    expect(seen.sending.map(({ sequence }) => sequence - (first?.sequence ?? 0))).toEqual(
      seen.sending.map((_, index) => index),
    );
    for (const event of steps) {
      expect(event).toMatchObject({
        id: id('evt'),
        at: instant,
        subject: { type: 'email', id: bodyOf('draft')['id'], externalId: 'e-1' },
      });
      expect(event.data).not.toHaveProperty('body');
    }
    expect(steps[3]?.data).toMatchObject({
      status: 'sent',
      sentAt: instant,
      messageId: expect.stringMatching(/^<[^<>]+@contoso\.example>$/),
      token: expect.stringMatching(/^CRM:\d{7}$/),
    });
  });

  it('sends the mail to Carl with the token in its subject, and files the copy in Sent', () => {
    const { messageId, token } = bodyOf('sent') as Readonly<Record<string, string>>;
    expect(bodyOf('sent')).toMatchObject({
      status: 'sent',
      to: [{ address: carlsAddress, result: 'accepted' }],
      subject: `Our offer ${token}`,
    });
    expect(header(seen.received, 'message-id')).toBe(messageId);
    expect(header(seen.received, 'subject')).toBe(`Our offer ${token}`);
    expect(header(seen.received, 'from')).toContain(annasAddress);
    expect(header(seen.sentCopy, 'message-id')).toBe(messageId);
  });

  it('tracks the answer with what it regards, by a cycle that was asked for', () => {
    expect(seen.syncAccepted.status).toBe(202);
    expect(bodyOf('sync')).toMatchObject({ kind: 'synchronize', status: 'succeeded' });
    expect(seen.tracked).toHaveLength(1);
    const { token } = bodyOf('sent') as Readonly<Record<string, string>>;
    const user = { type: 'user', id: bodyOf('user')['id'], externalId: 'u-17' };
    expect(seen.tracked[0]).toMatchObject({
      id: id('evt'),
      sequence: expect.any(Number),
      type: 'email.tracked',
      at: instant,
      origin: 'mailbox',
      actor: { type: 'mailbox', id: bodyOf('user')['mailboxId'] },
      subject: { type: 'email', id: id('eml'), externalId: null },
      version: 1,
      data: {
        id: id('eml'),
        direction: 'incoming',
        status: 'received',
        subject: `Re: Our offer ${token}`,
        messageId: seen.answerId,
        from: {
          address: carlsAddress,
          records: [{ type: 'contact', id: bodyOf('contact')['id'], externalId: 'c-9' }],
        },
        to: [{ address: annasAddress, records: [user] }],
        regarding: { type: 'opportunity', id: bodyOf('opportunity')['id'], externalId: 'o-3' },
        correlation: { method: 'inReplyTo', emailId: bodyOf('draft')['id'] },
        acceptedBy: user,
        ownerId: bodyOf('user')['id'],
        receivedByMailboxIds: [bodyOf('user')['mailboxId']],
        receivedAt: instant,
        attachments: [],
      },
    });
  });

  it('says in the decision why', () => {
    const { data } = bodyOf('decisions') as { readonly data: readonly Readonly<Record<string, unknown>>[] };
    expect(data).toHaveLength(1);
    expect(data[0]).toMatchObject({
      id: id('dec'),
      mailboxId: bodyOf('user')['mailboxId'],
      folder: 'INBOX',
      messageId: seen.answerId,
      fromAddress: carlsAddress,
      outcome: 'tracked',
      decidedAt: instant,
      settingsVersion: expect.any(Number),
      emailId: seen.tracked[0]?.subject.id,
    });
    const steps = data[0]?.['steps'] as readonly Readonly<Record<string, string>>[];
    expect(steps.map(({ step }) => step)).toEqual([
      ...['size', 'processFrom', 'restricted', 'manual', 'internal', 'dedupe'],
      ...['recipients', 'filtering', 'correlation', 'sender', 'owner'],
    ]);
    const step = (name: string) => steps.find((one) => one['step'] === name);
    expect(step('recipients')).toMatchObject({ result: 'pass', detail: `${annasAddress} is Anna (u-17)` });
    expect(step('filtering')).toMatchObject({ result: 'pass', detail: expect.stringContaining('responses') });
    expect(step('correlation')).toMatchObject({ result: 'match', detail: expect.stringContaining('inReplyTo') });
    expect(step('sender')?.['detail']).toContain('c-9');
  });

  it('shows when the mailbox was read and when it will be again', () => {
    expect(bodyOf('schedule')).toMatchObject({
      mailboxId: bodyOf('user')['mailboxId'],
      health: 'ok',
      workloads: {
        incoming: {
          state: 'enabled',
          phase: 'armed',
          nextRunAt: instant,
          reason: 'interval',
          lastStartedAt: instant,
          lastCompletedAt: instant,
          lastSuccessAt: instant,
          consecutiveFailures: 0,
          lastCounts: { seen: expect.any(Number), tracked: 1, skipped: expect.any(Number), failed: 0 },
          backlog: 0,
          overdue: false,
        },
        outgoing: { state: 'enabled', phase: 'none', nextRunAt: null, reason: 'nothingToSend' },
        act: { state: 'off' },
      },
    });
    const incoming = (bodyOf('schedule')['workloads'] as Readonly<Record<string, Readonly<Record<string, string>>>>)[
      'incoming'
    ];
    const delay = Date.parse(incoming?.['nextRunAt'] ?? '') - Date.parse(incoming?.['lastCompletedAt'] ?? '');
    expect(delay).toBeGreaterThanOrEqual(300_000);
    expect(delay).toBeLessThanOrEqual(330_000);
  });
});
