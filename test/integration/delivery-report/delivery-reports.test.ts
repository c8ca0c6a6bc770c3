import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Email } from '../../../shared/email/email.ts';
import { emailKind } from '../../../shared/email/email.ts';
import { deliveryReports, readReceipt, reportedMessageId, reportedRecipient } from '../../corpus/delivery-reports.ts';
import { eventually } from '../../support/eventually.ts';
import { bounceDomain, type MailUser } from '../../support/mail-servers.ts';
import { appendMessage, listMessages } from '../../support/mailbox-client.ts';
import { loadLaneHandler, runLaneBatch } from '../../support/run-lane.ts';
import { storeSentEmail } from '../../support/sent-email.ts';
import { enableStoredMailbox } from '../../support/synchronized-mailbox.ts';
import { type IncomingOrganization, type IncomingWorld, startIncomingWorld } from '../tracking/incoming-world.ts';

let world: IncomingWorld;

beforeAll(async () => {
  process.env['POWERTOOLS_LOG_LEVEL'] = 'SILENT';
  world = await startIncomingWorld();
});

afterAll(async () => {
  await world?.stop();
});

let users = 0;

/** Anna, who tracks answers only, and an email of hers to Carl and Dora. */
const begin = async (fields: Partial<Email> & { readonly messageId?: string } = {}) => {
  users += 1;
  const organization = await world.createOrganization();
  const mailUser = world.mailUser(users);
  const { id, mailboxId } = await organization.user(mailUser, { filtering: 'responses' });
  const sent = await storeSentEmail(world.api.services, organization.id, {
    messageId: reportedMessageId,
    mailboxId,
    from: { address: mailUser.address, records: [{ type: 'user', id }] },
    to: [
      { address: reportedRecipient, name: 'Carl', records: [], result: 'accepted' },
      { address: 'dora@client.example', records: [], result: 'accepted' },
    ],
    delivery: { attempts: 1, lastAttemptAt: null, nextAttemptAt: null, fault: null, events: [], sentCopy: 'stored' },
    ...fields,
  });
  const read = async (...raw: readonly Buffer[]): Promise<void> => {
    for (const one of raw) await appendMessage(world.servers.environment, mailUser, one);
    await organization.synchronize(mailboxId);
  };
  return { organization, mailUser, mailboxId, sent, read };
};

const emailOf = async (organization: IncomingOrganization, id: string) =>
  (await organization.call('GET', `/emails/${id}`)).body;

const alertsOf = async (organization: IncomingOrganization) => (await organization.call('GET', '/alerts')).body.data;

const samples = new Map(deliveryReports().map((sample) => [sample.title, sample.raw]));
const sample = (title: string): Buffer => samples.get(title) ?? Buffer.alloc(0);

describe('a bounce of an email that was sent', () => {
  it('marks its recipient, is told with an alert, and is read although the filtering skips it', async () => {
    const { organization, mailboxId, sent, read } = await begin();

    await read(sample('Postfix'));

    const email = await emailOf(organization, sent.id);
    expect(email.status).toBe('sent');
    expect(email.to).toMatchObject([
      { address: reportedRecipient, result: 'bounced', code: 'bounced' },
      { address: 'dora@client.example', result: 'accepted' },
    ]);
    expect(email.to[0].answer).toContain('550 5.1.1');
    expect(email.delivery.events.at(-1)).toMatchObject({ event: 'bounced' });
    expect(await alertsOf(organization)).toMatchObject([
      { code: 'bounced', level: 'error', scope: 'email', mailboxId, subject: { type: 'email', id: sent.id }, count: 1 },
    ]);
    expect(await organization.decisions(mailboxId)).toMatchObject([
      { outcome: 'skipped', code: 'filteredResponses', emailId: null, reportsOn: [sent.id] },
    ]);
    const item = await world.api.services.store.table.get({ pk: `${organization.id}#email`, sk: sent.id });
    expect(item?.['emits']).toMatchObject([{ type: 'email.bounced', changedFields: ['to', 'delivery'] }]);
  });

  it('that comes again, in whatever form, changes nothing more', async () => {
    const { organization, sent, read } = await begin();
    await read(sample('Postfix'));
    const { version } = await emailOf(organization, sent.id);

    await read(sample('qmail'), sample('Exim'), sample('Gmail'));

    expect((await emailOf(organization, sent.id)).version).toBe(version);
    expect(await alertsOf(organization)).toMatchObject([{ count: 1 }]);
  });

  it('makes no contact of its sender, and is tracked as mail where all mail is', async () => {
    const { organization, mailboxId, sent, read } = await begin();
    await organization.settings({ tracking: { forceFiltering: 'all' } });

    await read(sample('qmail'));

    const bounce = (await organization.emails()).find(({ direction }) => direction === 'incoming');

    expect(bounce).toMatchObject({ direction: 'incoming', automation: 'deliveryReport' });
    expect((await organization.call('GET', '/records/contact')).body.data).toEqual([]);
    expect(await organization.decisions(mailboxId)).toMatchObject([
      { outcome: 'tracked', emailId: bounce?.id, reportsOn: [sent.id] },
    ]);
    expect((await emailOf(organization, sent.id)).to[0].result).toBe('bounced');
  });

  it('proves that a server has an email of which that was not known', async () => {
    const unconfirmed = (address: string) => ({ address, records: [], result: 'unconfirmed' as const });
    const { organization, sent, read } = await begin({
      status: 'unconfirmed',
      sentAt: null,
      to: [unconfirmed(reportedRecipient), unconfirmed('dora@client.example')],
    });

    await read(sample('Postfix'));

    expect(await emailOf(organization, sent.id)).toMatchObject({
      status: 'sent',
      to: [{ result: 'bounced' }, { result: 'accepted' }],
    });
  });

  it('of mail that was not sent from here, or to others, is just mail', async () => {
    const { organization, sent, read } = await begin({ messageId: '<another@contoso.example>' });
    const stranger = await begin({ to: [{ address: 'dora@client.example', records: [], result: 'accepted' }] });

    await read(...samples.values());
    await stranger.read(...samples.values());

    expect((await emailOf(organization, sent.id)).version).toBe(1);
    expect((await emailOf(stranger.organization, stranger.sent.id)).version).toBe(1);
    expect(await alertsOf(organization)).toEqual([]);
  });

  it('changes nothing in a mailbox that is only observed', async () => {
    const { organization, mailboxId, sent, read } = await begin();
    await world.observe(organization.id, mailboxId);

    await read(sample('Postfix'));

    expect((await emailOf(organization, sent.id)).version).toBe(1);
  });
});

describe('what is no failure', () => {
  it('a notice of delay stands in the history, without alert', async () => {
    const { organization, sent, read } = await begin();

    await read(sample('a server that goes on trying (Action: delayed)'), sample('an old Gmail, which goes on trying'));

    const email = await emailOf(organization, sent.id);
    expect(email.to[0].result).toBe('accepted');
    expect(email.delivery.events.map(({ event }: { event: string }) => event)).toEqual(['delayed']);
    expect(await alertsOf(organization)).toEqual([]);
  });

  it('a read receipt marks who has read it, where one was asked for', async () => {
    const asked = await begin({ readReceipt: true });
    const unasked = await begin();

    await asked.read(readReceipt());
    await unasked.read(readReceipt());

    expect((await emailOf(asked.organization, asked.sent.id)).to).toMatchObject([
      { result: 'read' },
      { result: 'accepted' },
    ]);
    expect((await emailOf(unasked.organization, unasked.sent.id)).version).toBe(1);
    expect(await alertsOf(asked.organization)).toEqual([]);
  });

  it('an answer of a program is tracked as such, and no program may answer it', async () => {
    const { organization, mailUser, mailboxId, sent, read } = await begin();
    await organization.settings({ outgoing: { allowUnresolvedRecipients: true, sandboxAllow: ['*'] } });
    await enableStoredMailbox(world.api.services, organization.id, mailboxId, {
      serverProfileId: (await organization.call('GET', '/server-profiles')).body.data[0].id,
      mailUser,
      workloads: ['outgoing'],
    });
    await read(
      Buffer.from(
        [
          'From: Carl <carl@client.example>',
          `To: ${mailUser.address}`,
          'Subject: Out of office: Our offer',
          'Message-ID: <vacation@client.example>',
          `In-Reply-To: ${sent.messageId}`,
          'Date: Fri, 20 Nov 2026 12:10:00 +0000',
          'Auto-Submitted: auto-replied',
          '',
          'I am away.',
          '',
        ].join('\r\n'),
      ),
    );
    const notice = (await organization.emails()).find(({ direction }) => direction === 'incoming');
    const { body: me } = await organization.call('GET', `/mailboxes/${mailboxId}`);
    const answer = (headers: object) =>
      organization.call('POST', '/emails', {
        from: { owner: me.ownerId },
        inReplyTo: notice?.id,
        body: { text: 'Thank you' },
        headers,
        send: true,
      });

    expect(notice).toMatchObject({ automation: 'autoReply', correlation: { method: 'inReplyTo', emailId: sent.id } });
    expect((await organization.call('GET', '/records/contact')).body.data).toEqual([]);
    expect((await answer({ 'Auto-Submitted': 'auto-replied' })).body.code).toBe('automaticReplyLoop');
    expect((await answer({})).status).toBe(202);
  });
});

describe('with real servers', () => {
  const sendTo = async (address: string) => {
    users += 1;
    const organization = await world.createOrganization();
    const mailUser: MailUser = world.mailUser(users);
    const { id, mailboxId } = await organization.user(mailUser, { filtering: 'none' });
    await organization.settings({
      outgoing: { allowUnresolvedRecipients: true, sandboxAllow: ['*'], saveToSentItems: false },
    });
    await enableStoredMailbox(world.api.services, organization.id, mailboxId, {
      serverProfileId: (await organization.call('GET', '/server-profiles')).body.data[0].id,
      mailUser,
      workloads: ['outgoing'],
    });
    const { body } = await organization.call('POST', '/emails', {
      from: { owner: id },
      to: [{ address }],
      subject: 'Our offer',
      deliveryReceipt: true,
      send: true,
    });
    const outgoing = await loadLaneHandler('outgoing');
    await eventually(
      async () => {
        await runLaneBatch(outgoing, String(process.env['OUTGOING_QUEUE_URL']), { waitSeconds: 1 });
        return (await emailOf(organization, body.id)).status === 'sent' ? true : undefined;
      },
      { what: 'the email to be sent', everyMilliseconds: 0 },
    );
    const arrived = (count: number) =>
      eventually(
        async () => {
          const messages = await listMessages(world.servers.environment, mailUser, 'INBOX');
          return messages.length >= count ? true : undefined;
        },
        { what: 'the report', everyMilliseconds: 200 },
      );
    return { organization, mailboxId, emailId: String(body.id), arrived };
  };

  it('an email that Postfix sends back is bounced, and stays sent', async () => {
    const { organization, mailboxId, emailId, arrived } = await sendTo(`nobody@${bounceDomain}`);
    await arrived(1);

    await organization.synchronize(mailboxId);

    const email = await emailOf(organization, emailId);
    expect(email).toMatchObject({ status: 'sent', to: [{ result: 'bounced', code: 'bounced' }] });
    expect(email.to[0].answer).toMatch(/5\.\d\.\d/);
    expect(await organization.decisions(mailboxId)).toMatchObject([{ outcome: 'skipped', code: 'filteredNone' }]);
    const stored = await world.api.services.store.get(emailKind, organization.id, emailId);
    expect(stored?.delivery?.events.map(({ event }) => event)).toContain('bounced');
  });

  it('a delivery receipt that was asked for says that it arrived', async () => {
    const { organization, mailboxId, emailId, arrived } = await sendTo(world.mailUser(users).address);
    await arrived(1);

    await organization.synchronize(mailboxId);

    const email = await emailOf(organization, emailId);
    expect(email.to[0].result).toBe('accepted');
    // Dovecot takes it over without giving notices of its own.
    expect(email.delivery.events.at(-1).event).toBe('relayed');
  });
});
